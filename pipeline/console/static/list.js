// The list of open alerts: gravest first, then newest; never moves under the pointer.
import { best, folded, h, icon, t } from "./dom.js";
import { clock, dayClock, plain } from "./format.js";

export const SEVERITIES = ["critical", "major", "minor", "warning", "indeterminate", "cleared"];
const BATCH_MS = 200;
const HAND_MS = 1500;

/** new, acked, cleared (over and not acknowledged) or closed. */
export function stateOf(alert) {
  if (alert.state.closed?.on) return "closed";
  if (!alert.state.active.on) return "cleared";
  return alert.state.acked.on ? "acked" : "new";
}

/** Names of sites, told with the list. */
export const sites = new Map();

/** Where it is: the site, or the thing itself when it stands nowhere. */
export const siteOf = (alert) => best(sites.get(alert.entity.site)) || alert.entity.site || best(alert.entity.name) || alert.entity.id;

/** The rule's title: a description begins with it. */
export const titleOfRule = (alert) => best(alert.description).split(". ")[0];

/** The headline without the time and place that stand beside it already. */
export function shortHeadline(alert) {
  const parts = best(alert.headline).split(" | ");
  return parts.length > 2 && /^\d\d:\d\d/.test(parts[0]) ? parts.slice(1).join(" · ") : best(alert.headline);
}

export class List {
  constructor(alerts, on) {
    this.alerts = alerts;
    this.on = on;
    this.rows = new Map();
    this.shown = [];
    this.selected = null;
    this.filter = "";
    this.pointer = 0;
    this.held = new Set();
    this.root = document.getElementById("rows");
    this.pill = document.getElementById("held");
    this.listen();
  }

  listen() {
    this.root.addEventListener("pointermove", () => (this.pointer = Date.now()));
    this.root.addEventListener("pointerleave", () => {
      this.pointer = 0;
      this.render();
    });
    this.root.addEventListener("click", (event) => {
      const row = event.target.closest("[data-alert]");
      if (row) this.on.choose(row.dataset.alert, true);
    });
    this.pill.addEventListener("click", () => this.render(true));
    document.getElementById("filter").addEventListener("input", (event) => {
      this.filter = folded(event.target.value.trim());
      this.render(true);
    });
  }

  /** An alert came, changed or went; many at once are shown at once. */
  changed(id, isNew) {
    if (isNew) this.held.add(id);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.render();
    }, BATCH_MS);
  }

  order() {
    const rank = (alert) => SEVERITIES.indexOf(alert.severity);
    return [...this.alerts.values()].filter((alert) => this.matches(alert)).sort((a, b) => rank(a) - rank(b) || b.episode - a.episode || (a.alert < b.alert ? -1 : 1));
  }

  matches(alert) {
    if (!this.filter) return true;
    const words = [alert.headline?.vi, alert.headline?.en, alert.rule, alert.key, siteOf(alert), titleOfRule(alert), t(`severity.${alert.severity}`), t(`state.${stateOf(alert)}`)];
    return folded(words.join(" ")).includes(this.filter);
  }

  /** Rows are updated where they stand; while a hand is over the list, none is added or moved. */
  render(now = false) {
    const still = !now && this.pointer && Date.now() - this.pointer < HAND_MS && this.shown.length > 0;
    const order = this.order();
    const gone = new Set(this.shown.filter((id) => !this.alerts.has(id)));
    const wanted = still ? this.shown.filter((id) => !gone.has(id)) : order.map((alert) => alert.alert);
    this.place(wanted);
    if (!still) this.held.clear();
    const waiting = order.filter((alert) => !wanted.includes(alert.alert)).length;
    this.pill.hidden = !waiting;
    if (waiting) {
      this.pill.textContent = t("alerts.held", waiting);
      setTimeout(() => this.render(), HAND_MS);
    }
    this.count(order);
  }

  place(wanted) {
    const keep = new Set(wanted);
    for (const [id, row] of this.rows) if (!keep.has(id)) this.remove(id, row);
    let before = null;
    for (const id of wanted) {
      const row = this.row(id);
      const next = before ? before.nextSibling : this.root.firstChild;
      if (next !== row) this.root.insertBefore(row, next);
      before = row;
    }
    this.shown = wanted;
  }

  remove(id, row) {
    row.remove();
    this.rows.delete(id);
  }

  row(id) {
    const alert = this.alerts.get(id);
    let row = this.rows.get(id);
    if (!row) {
      row = h("li", { "data-alert": id });
      this.rows.set(id, row);
    }
    if (row.alertShown !== alert) this.fill(row, alert);
    return row;
  }

  fill(row, alert) {
    row.alertShown = alert;
    const state = stateOf(alert);
    const severity = alert.severity;
    row.className = `row sev-${severity} is-${state}`;
    const focused = document.activeElement === row.firstChild;
    row.replaceChildren(
      h(
        "button",
        { type: "button", class: "row-button", "aria-current": this.selected === alert.alert ? "true" : null },
        h("span", { class: "severity" }, icon(severity), h("span", { class: "word" }, t(`severity.${severity}`))),
        h("span", { class: "headline" }, drill(alert), shortHeadline(alert)),
        h("time", { datetime: alert.times.begin, title: dayClock(alert.episode) }, clock(alert.episode), h("small", {}, dayClock(alert.episode).slice(-5))),
        h("span", { class: "where" }, [siteOf(alert), titleOfRule(alert)].filter(Boolean).join(" · ")),
        h("span", { class: `state state-${state}` }, icon(`state-${state}`), t(`state.${state}`)),
      ),
    );
    if (focused) row.firstChild.focus();
  }

  rowTitle(id) {
    return best(this.alerts.get(id)?.headline);
  }

  select(id) {
    const before = this.rows.get(this.selected)?.firstChild;
    before?.removeAttribute("aria-current");
    this.selected = id;
    const button = this.rows.get(id)?.firstChild;
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
  }

  /** The id of the row `step` rows on from the selected one. */
  neighbour(step) {
    const at = this.shown.indexOf(this.selected);
    if (at < 0) return this.shown[step > 0 ? 0 : this.shown.length - 1] ?? null;
    return this.shown[Math.min(this.shown.length - 1, Math.max(0, at + step))];
  }

  focus() {
    this.rows.get(this.selected)?.firstChild.focus();
  }

  count(order) {
    const open = [...this.alerts.values()].filter((alert) => stateOf(alert) !== "closed");
    const counts = document.getElementById("counts");
    const all = this.filter ? t("alerts.count_filtered", plain(order.length), plain(open.length)) : t("alerts.count", plain(open.length));
    const parts = SEVERITIES.map((severity) => [severity, open.filter((alert) => alert.severity === severity).length]);
    counts.replaceChildren(
      h("strong", {}, all),
      ...parts.filter(([, number]) => number).map(([severity, number]) => h("span", { class: `count sev-${severity}` }, icon(severity), `${t(`severity.${severity}`)} `, h("b", {}, plain(number)))),
    );
    const nothing = document.getElementById("nothing");
    nothing.hidden = order.length > 0;
    nothing.textContent = this.filter ? t("alerts.nothing_filtered") : t("alerts.nothing");
  }
}

/** A drill must never look real. */
function drill(alert) {
  const word = { Exercise: "exercise", Test: "test" }[alert.status];
  return word ? h("b", { class: "drill" }, t(`alerts.${word}`)) : null;
}
