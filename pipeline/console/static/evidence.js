// What a camera saw of an alert: the picture and the clip, people blurred until somebody with the right asks for more.
import { boot, h, t } from "./dom.js";
import { clock, dayClock } from "./format.js";

export class Evidence {
  constructor(operand, told) {
    this.picture = operand?.evidence ?? "";
    this.at = operand?.at;
    this.clips = told.clips;
    this.hidden = (told.pictures[this.picture] ?? false) || told.clips.some((clip) => clip.clear);
    this.clear = false;
    this.images = this.picture ? [this.image()] : [];
    this.videos = told.clips.map((clip) => this.video(clip));
    this.parts = [...this.images, ...this.videos].map((one) => one.figure);
    if (this.hidden) this.parts.push(this.privacy());
  }

  /** Whether another answer of the server would show the same. */
  same(operand, told) {
    const names = (clips) => clips.map((clip) => clip.digest).join();
    return this.picture === (operand?.evidence ?? "") && names(this.clips) === names(told.clips);
  }

  image() {
    const caption = t("detail.evidence", dayClock(this.at));
    const source = `/v1/evidence/${this.picture}.jpg`;
    return this.shown(h("img", { src: source, alt: caption }), source, caption, t("detail.evidence_gone"));
  }

  video(clip) {
    const caption = t("detail.clip", clock(clip.since), clock(clip.until));
    const source = `/v1/evidence/${clip.digest}.mp4`;
    const player = h("video", { src: source, controls: true, muted: true, playsinline: true, preload: "metadata", "aria-label": caption });
    player.muted = true;
    return this.shown(player, source, caption, t("detail.clip_gone"));
  }

  shown(element, source, text, gone) {
    const caption = h("figcaption", {}, text);
    element.addEventListener("error", () => {
      element.hidden = true;
      caption.textContent = gone;
    });
    return { element, source, figure: h("figure", {}, element, caption) };
  }

  privacy() {
    this.note = h("span", {}, t("detail.blurred"));
    const may = boot.rights.includes("evidence.clear");
    this.button = may ? h("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggle() }, t("detail.show_clear")) : null;
    return h("p", { class: "privacy" }, this.note, this.button);
  }

  toggle() {
    this.clear = !this.clear;
    for (const { element, source } of [...this.images, ...this.videos]) {
      const at = element.currentTime;
      element.src = this.clear ? `${source}?clear=true` : source;
      if (at) element.currentTime = at;
    }
    this.note.textContent = t(this.clear ? "detail.clear_noted" : "detail.blurred");
    this.button.textContent = t(this.clear ? "detail.hide_clear" : "detail.show_clear");
    this.button.setAttribute("aria-pressed", String(this.clear));
  }
}
