// The still of a camera, each second while it is shown; asking for it is what makes the camera write it.
import { best, h, t } from "./dom.js";
import { clock } from "./format.js";

const EACH_MS = 1000;
const NONE_AFTER = 15;

export class Still {
  constructor(camera) {
    this.camera = camera;
    this.caption = h("figcaption", {}, t("still.waiting"));
    this.image = h("img", { alt: best(camera.title) || camera.id, hidden: true });
    this.figure = h("figure", { class: "still" }, h("b", {}, best(camera.title) || camera.id), this.image, this.caption);
    this.url = null;
    this.misses = 0;
    this.running = false;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.next();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }

  async next() {
    if (!this.running) return;
    if (!document.hidden) await this.fetch().catch(() => this.miss());
    if (this.running) this.timer = setTimeout(() => this.next(), EACH_MS);
  }

  async fetch() {
    const answer = await fetch(`/v1/cameras/${this.camera.id}/still.jpg`, { signal: AbortSignal.timeout(5000) });
    if (answer.status !== 200) return this.miss();
    const url = URL.createObjectURL(await answer.blob());
    if (!this.running) return URL.revokeObjectURL(url);
    this.image.src = url;
    this.image.hidden = false;
    await this.image.decode().catch(() => {});
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = url;
    this.misses = 0;
    this.caption.textContent = t("still.at", clock(Number(answer.headers.get("X-Still-At"))));
    this.figure.classList.remove("old");
  }

  miss() {
    this.misses += 1;
    if (this.misses < 3) return;
    this.figure.classList.add("old");
    this.caption.textContent = t(this.misses > NONE_AFTER ? "still.none" : "still.waiting");
  }
}
