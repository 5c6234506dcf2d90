// One alert in detail: what to do, why, its course, the picture, what happened, and what an operator can do.
import { ask, best, boot, h, icon, known, t } from "./dom.js";
import { chart } from "./chart.js";
import { Evidence } from "./evidence.js";
import { dayClock, ms, near, span } from "./format.js";
import { shortHeadline, siteOf, stateOf } from "./list.js";
import { Still } from "./stills.js";
import { limits, why } from "./why.js";

const AGAIN_MS = 2500;
const SILENT_MS = 8000;
const SERIES_MS = 10000;
const CLIP_MS = 3000;
const CLIP_TRIES = 20;
const CLIP_AGE_MS = 180000;

/** An event of the store or of the stream as one line of the timeline. */
function entry(event) {
  const body = event.data;
  if (!body) return { ...event, kind: event.type.split(".")[3] };
  const kind = event.type.split(".")[3];
  const at = ms(event.time);
  const refused = body.refused ?? "";
  return { id: event.id, kind, sequence: event.sequence, at, severity: body.severity, acked: body.state.acked, closed: body.state.closed, comment: body.comments?.at(-1), refused };
}

export class Detail {
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.id = null;
    this.pending = null;
    this.still = null;
  }

  empty() {
    this.root.replaceChildren(h("div", { class: "choose" }, icon("brand"), h("p", {}, t("alerts.choose")), h("p", { class: "keys-hint" }, t("alerts.choose_keys"))));
  }

  show(alert) {
    if (alert.alert === this.id) return this.update(alert);
    this.still?.stop();
    this.id = alert.alert;
    this.alert = alert;
    this.entries = [];
    this.evidence = null;
    this.message = h("p", { class: "told", role: "status" });
    this.pending = null;
    this.build();
    this.refresh();
    this.load();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), 1000);
    this.root.scrollTop = 0;
  }

  build() {
    this.head = h("header", { class: "head" });
    this.todo = h("section", { class: "todo" });
    this.reason = h("section", { class: "why" });
    this.course = h("section", { class: "course" }, h("h3", {}, t("detail.chart")), h("p", { class: "quiet-text" }, t("detail.loading")));
    this.picture = h("section", { class: "picture", hidden: true });
    this.timeline = h("ol", { class: "timeline" });
    this.comment = h("textarea", { id: "comment", rows: "2", maxlength: "2000", placeholder: t("detail.comment_placeholder"), "aria-label": t("detail.comment"), onkeydown: (event) => this.onKey(event) });
    const form = h("form", { class: "comment", onsubmit: (event) => this.onComment(event) }, this.comment, h("button", { type: "submit" }, t("detail.send"), h("kbd", {}, "C")));
    const history = h("section", { class: "history" }, h("h3", {}, t("detail.timeline")), boot.may_act ? form : null, this.timeline);
    this.root.replaceChildren(this.head, this.message, h("div", { class: "columns" }, h("div", {}, this.todo, this.reason, this.course), h("div", {}, this.picture, history)));
  }

  onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
  }

  onComment(event) {
    event.preventDefault();
    const note = this.comment.value.trim();
    if (note) this.on.act("comment", this.alert, note);
  }

  focusComment() {
    if (!this.id || !boot.may_act) return;
    document.body.classList.add("opened");
    this.comment.focus();
  }

  /** A key or a button of the alert that is shown. */
  press(deed) {
    if (!this.id || !boot.may_act || this.pending) return;
    const acked = this.alert.state.acked.on;
    if (stateOf(this.alert) === "closed" || (deed === "ack" && acked) || (deed === "unack" && !acked)) return;
    if (deed === "close") this.askReason();
    else this.on.act(deed, this.alert);
  }

  askReason() {
    const reason = h("textarea", {
      rows: "3",
      required: true,
      maxlength: "2000",
      oninvalid: () => reason.setCustomValidity(t("problem.note")), // the browser's own words may be in another language
      oninput: () => reason.setCustomValidity(""),
    });
    const dialog = h(
      "dialog",
      { onclose: () => dialog.remove() },
      h("h2", {}, t("close.title")),
      h("p", {}, t("close.text")),
      h(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            if (!reason.value.trim()) return;
            this.on.act("close", this.alert, reason.value.trim());
            dialog.close();
          },
        },
        h("label", {}, t("close.reason"), reason),
        h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, t("close.cancel")), h("button", { type: "submit", class: "main" }, t("close.submit"))),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  // --- the answer to a deed comes over the stream

  sending(id, deed) {
    clearTimeout(this.silence);
    this.pending = { id, deed };
    this.tell("info", t("told.sending"));
    this.buttons();
  }

  written(id) {
    this.silence = setTimeout(() => {
      if (this.pending?.id !== id) return;
      this.pending = null;
      this.tell("warn", t("problem.silent"));
      this.buttons();
    }, SILENT_MS);
  }

  failed(id, sentence) {
    if (this.pending?.id !== id) return;
    this.pending = null;
    this.tell("bad", sentence);
    this.buttons();
  }

  answered(event) {
    if (!this.pending || event.causationid !== this.pending.id) return;
    const { deed } = this.pending;
    const refused = event.type.includes(".refused.");
    clearTimeout(this.silence);
    this.pending = null;
    this.tell(refused ? "bad" : "good", refused ? t("told.refused", known("refused", event.data.refused)) : t(`told.${deed}`));
    if (deed === "comment" && !refused) this.comment.value = "";
    this.buttons();
  }

  tell(kind, sentence) {
    this.message.className = `told ${kind}`;
    this.message.textContent = sentence;
    clearTimeout(this.quiet);
    if (kind === "good") this.quiet = setTimeout(() => (this.message.textContent = ""), 6000);
  }

  // --- contents

  update(alert, event) {
    if (alert) this.alert = alert;
    if (event) this.remember([entry(event)]);
    this.refresh();
  }

  remember(entries) {
    const known = new Map(this.entries.map((one) => [one.id, one]));
    for (const one of entries) known.set(one.id, one);
    this.entries = [...known.values()].sort((a, b) => a.sequence - b.sequence);
  }

  refresh() {
    this.showHead();
    this.showTodo();
    this.reason.replaceChildren(h("h3", {}, t("detail.why")), ...why(this.alert, this.on.now(), this.on));
    this.showTimeline();
  }

  showHead() {
    const alert = this.alert;
    const state = stateOf(alert);
    this.ago = h("span", {});
    this.bar = h("div", { class: "buttons" });
    this.head.className = `head sev-${alert.severity}`;
    const flag = state === "closed" ? alert.state.closed : alert.state.acked;
    const by = flag?.by ? h("span", { class: "by" }, t("state.by", flag.by, near(ms(flag.since), this.on.now()))) : null;
    this.head.replaceChildren(
      h("button", { type: "button", class: "back", onclick: () => this.on.back() }, icon("back"), t("detail.back")),
      h("p", { class: "signs" }, h("span", { class: "severity" }, icon(alert.severity), t(`severity.${alert.severity}`)), h("span", { class: `state state-${state}` }, icon(`state-${state}`), t(`state.${state}`)), by),
      h("h2", {}, shortHeadline(alert)),
      h(
        "dl",
        { class: "facts" },
        fact(t("detail.began"), `${dayClock(alert.episode)} · `, this.ago),
        alert.times.end ? fact(t("detail.ended"), dayClock(ms(alert.times.end))) : null,
        fact(t("detail.site"), siteOf(alert)),
        alert.highest !== alert.severity ? fact(t("detail.highest"), t(`severity.${alert.highest}`)) : null,
        fact(t("detail.rule"), h("code", {}, alert.rule)),
      ),
      this.bar,
    );
    this.buttons();
    this.tick();
  }

  buttons() {
    if (!this.bar || !boot.may_act) return;
    const acked = this.alert.state.acked.on;
    const closed = stateOf(this.alert) === "closed";
    const off = this.pending !== null || closed;
    const button = (deed, text, key, main) => h("button", { type: "button", class: main ? "main" : null, disabled: off, "data-deed": deed, onclick: () => this.press(deed) }, text, key ? h("kbd", {}, key) : null);
    this.bar.replaceChildren(acked ? button("unack", t("detail.unacknowledge"), "U") : button("ack", t("detail.acknowledge"), "A", true), button("close", t("detail.close")));
  }

  tick() {
    const age = this.on.now() - this.alert.episode;
    if (this.ago) this.ago.textContent = t("detail.ago", span(Math.max(1000, age)));
  }

  showTodo() {
    const steps = (this.alert.steps ?? []).map(best).filter(Boolean);
    const text = best(this.alert.instruction);
    this.todo.hidden = !text && !steps.length;
    this.todo.replaceChildren(h("h3", {}, t("detail.todo")), text ? h("p", {}, text) : null, steps.length ? h("ol", {}, ...steps.map((step) => h("li", {}, step))) : null);
    [...this.todo.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).forEach((node) => node.remove());
  }

  showTimeline() {
    this.timeline.replaceChildren(...this.entries.toReversed().map((one) => this.line(one)));
  }

  line(one) {
    const flag = { acknowledged: one.acked, unacknowledged: one.acked, closed: one.closed }[one.kind];
    const spoke = one.comment && ["commented", "acknowledged", "unacknowledged", "closed"].includes(one.kind) ? one.comment : null;
    const note = spoke && (one.kind === "commented" || Math.abs(ms(spoke.at) - one.at) < 2000) ? spoke.note : "";
    const by = one.kind === "commented" ? one.comment?.by : flag?.by;
    const detail = one.kind === "refused" ? known("refused", one.refused) : one.kind === "closed" ? known("reason", flag?.reason ?? "") : ["raised", "updated"].includes(one.kind) ? t(`severity.${one.severity}`) : "";
    return h("li", { class: `event event-${one.kind}` }, h("time", {}, near(one.at, this.on.now())), h("div", {}, h("b", {}, t(`event.${one.kind}`)), detail ? `: ${detail}` : "", by ? h("span", { class: "by" }, ` · ${by}`) : null, note ? h("q", {}, note) : null));
  }

  // --- from the store

  async load(id = this.id) {
    try {
      const told = await ask(`/v1/alerts/${id}`);
      if (id !== this.id) return;
      this.remember(told.events.map(entry));
      this.showTimeline();
      this.showPicture(told);
      if (told.filmed && !told.clips.length && this.on.now() - this.alert.episode < CLIP_AGE_MS) this.awaitClip(id);
      await this.loadSeries(id);
    } catch (failure) {
      if (id !== this.id || failure.status === 401) return;
      if (failure.status !== 404) this.course.replaceChildren(h("h3", {}, t("detail.chart")), h("p", { class: "quiet-text" }, failure.sentence ?? String(failure)));
      setTimeout(() => id === this.id && this.load(id), AGAIN_MS); // the store may be a little behind the stream
    }
  }

  async loadSeries(id) {
    const told = await ask(`/v1/alerts/${id}/series`);
    if (id !== this.id) return;
    const charts = told.series.filter((one) => one.points.length > 1).map((one) => chart(one, this.alert, limits(this.alert)));
    this.course.hidden = told.series.length === 0;
    this.course.replaceChildren(h("h3", {}, t("detail.chart")), ...(charts.length ? charts : [h("p", { class: "quiet-text" }, t("detail.chart_empty"))]));
    if (stateOf(this.alert) !== "closed") setTimeout(() => id === this.id && this.loadSeries(id).catch(() => setTimeout(() => id === this.id && this.load(id), AGAIN_MS)), SERIES_MS);
  }

  /** What cameras saw: the evidence and the clip, else the live picture of the place. */
  showPicture(told) {
    const seen = (this.alert.why.operands ?? []).find((operand) => operand.evidence);
    if (this.evidence?.same(seen, told)) return;
    this.evidence = new Evidence(seen, told);
    this.still?.stop();
    this.still = !seen && told.cameras.length ? new Still(told.cameras[0]) : null;
    const parts = [...this.evidence.parts, this.still?.figure].filter(Boolean);
    this.picture.hidden = !parts.length;
    this.picture.replaceChildren(h("h3", {}, t("detail.picture")), ...parts);
    this.still?.start();
  }

  /** The clip is cut some seconds after the alert. */
  async awaitClip(id, tries = CLIP_TRIES) {
    if (id !== this.id || !tries) return;
    const told = await ask(`/v1/alerts/${id}`).catch(() => null);
    if (id !== this.id) return;
    if (told?.clips.length) this.showPicture(told);
    else setTimeout(() => this.awaitClip(id, tries - 1), CLIP_MS);
  }
}

const fact = (name, ...values) => h("div", {}, h("dt", {}, name), h("dd", {}, ...values));
