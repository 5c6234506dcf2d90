// The alert stream: reconnects by itself, resumes from the last offset, keeps the server's clock.
import { boot } from "./dom.js";

const SILENT_MS = 12000; // a heartbeat comes every 5 s
const AGAIN_MS = 1500;
const HIDDEN_MS = 30000; // a browser allows six connections to a server: tabs that nobody looks at give theirs back

export class Live {
  /** `on`: {alert(event), progress(), reload(), change()}. */
  constructor(on) {
    this.on = on;
    this.offset = null; // of the server's clock against ours, ms
    this.upto = 0;
    this.last = null; // offset of the last event seen
    this.cutSince = 0;
    this.ended = false; // the session is over
    this.rests = false; // nobody looks at this tab
    this.heard = Date.now();
  }

  now() {
    return Date.now() + (this.offset ?? 0);
  }

  /** Whether the list must not be believed: "", "none", "stale" or "cut". */
  veiled() {
    if (this.cutSince && Date.now() - this.cutSince > 3000) return "cut";
    if (!this.upto) return "none";
    return this.now() - this.upto > boot.stale_ms ? "stale" : "";
  }

  start(after) {
    this.last = after;
    this.open();
    setInterval(() => this.watch(), 1000);
    document.addEventListener("visibilitychange", () => this.seen(!document.hidden));
  }

  /** Follow only while somebody may be looking; coming back resumes after the last event seen. */
  seen(visible) {
    clearTimeout(this.resting);
    if (!visible) this.resting = setTimeout(() => this.rest(), HIDDEN_MS);
    else if (this.rests && !this.ended) this.open();
  }

  rest() {
    this.source?.close();
    this.rests = true;
  }

  resume(after) {
    this.last = after;
    this.open();
  }

  open() {
    this.source?.close();
    this.rests = false;
    this.heard = Date.now();
    const source = new EventSource(this.last == null ? "/v1/stream" : `/v1/stream?after=${this.last}`);
    this.source = source;
    const take = (name, work) =>
      source.addEventListener(name, (message) => {
        if (this.source !== source) return;
        this.heard = Date.now();
        this.cutSince = 0;
        if (message.lastEventId) this.last = Number(message.lastEventId);
        const told = JSON.parse(message.data);
        if (told.now) this.offset = told.now - Date.now();
        work(told);
      });
    take("hb", () => this.on.change());
    take("progress", (told) => {
      this.upto = told.upto;
      this.on.change();
    });
    take("alert", (told) => this.on.alert(told));
    take("reload", () => {
      source.close();
      this.on.reload();
    });
    source.onerror = () => this.cut(source);
  }

  cut(source) {
    if (this.source !== source) return;
    this.cutSince ||= Date.now();
    this.on.change();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => this.source === source && !this.ended && !this.rests && this.open(), AGAIN_MS);
  }

  /** A line that died without a word is cut and opened anew. */
  watch() {
    if (Date.now() - this.heard > SILENT_MS && !this.ended && !this.rests) {
      this.cutSince ||= this.heard;
      this.open();
    }
    this.on.change();
  }
}
