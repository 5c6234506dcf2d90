// Keyboard: one place for all keys; quiet while somebody types.
import { ask, boot } from "./dom.js";

const typing = (target) => target.closest("input, textarea, dialog, select") !== null;

export async function switchLanguage() {
  await ask("/v1/language", { language: boot.language === "vi" ? "en" : "vi" });
  location.reload();
}

/** Buttons of the frame that every page has. */
export function frame() {
  const help = document.getElementById("help");
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  document.getElementById("language-button").addEventListener("click", () => switchLanguage().catch(() => {}));
  return help;
}

/** Keys of every page: l, ?, /. Returns whether one was meant. */
export function common(event, help, filter) {
  const work = { l: () => switchLanguage().catch(() => {}), "?": () => help.showModal(), "/": () => filter.focus() }[event.key.length === 1 ? event.key.toLowerCase() : ""];
  if (!work) return false;
  event.preventDefault();
  work();
  return true;
}

/** The keys of the page of alerts. */
export function keys({ list, detail, open, act, filter }) {
  const help = frame();
  const go = (step) => {
    const id = list.neighbour(step);
    if (id) list.on.choose(id, false);
    list.focus();
  };
  const deeds = {
    j: () => go(1),
    ArrowDown: () => go(1),
    k: () => go(-1),
    ArrowUp: () => go(-1),
    Enter: () => list.selected && (open(true), detail.root.focus()),
    a: () => act("ack"),
    u: () => act("unack"),
    c: () => detail.focusComment(),
    Escape: () => open(false),
  };
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Escape") {
      filter.value = "";
      filter.dispatchEvent(new Event("input"));
    }
    filter.blur();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (common(event, help, filter)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (name === "Enter" && event.target.closest("a, button") && !event.target.closest(".rows")) return;
    const deed = deeds[name];
    if (!deed) return;
    event.preventDefault();
    deed();
  });
}
