// The page of alerts: loads the list, follows the stream, and hands both to the list and the detail.
import { Failed, ask, best, boot, t, tell } from "./dom.js";
import { near } from "./format.js";
import { Detail } from "./detail.js";
import { keys } from "./keys.js";
import { List, sites } from "./list.js";
import { Live } from "./live.js";

const AGAIN_MS = 3000;
const CLOSED_STAYS_MS = 8000;
const place = (id) => document.getElementById(id);
const alerts = new Map();
let total = 0;
let loaded = false;
let started = false;

const live = new Live({ alert: take, change: showTime, reload: load });
const act = async (deed, alert, note = "") => {
  const id = crypto.getRandomValues(new Uint32Array(4)).reduce((text, part) => text + part.toString(16).padStart(8, "0"), "");
  detail.sending(id, deed);
  try {
    await ask(`/v1/alerts/${alert.alert}/${deed}`, { key: alert.key, seen: alert.sequence, note, id });
    detail.written(id);
  } catch (failure) {
    detail.failed(id, failure.sentence);
    if (failure.status === 401) ended();
  }
};
const list = new List(alerts, { choose: (id, open) => choose(id, open), now: () => live.now() });
const detail = new Detail(place("detail"), {
  act,
  back: () => open(false),
  now: () => live.now(),
  title: (id) => list.rowTitle(id),
  other: (key) => [...alerts.values()].filter((alert) => alert.key === key).sort((a, b) => b.episode - a.episode)[0],
  choose: (id) => choose(id, true),
});

async function load() {
  try {
    const told = await ask("/v1/alerts");
    alerts.clear();
    for (const alert of told.alerts) alerts.set(alert.alert, alert);
    for (const [id, title] of Object.entries(told.sites)) sites.set(id, title);
    total = told.total;
    loaded = true;
    live.offset = told.now - Date.now();
    tell(place("problem"), total > alerts.size ? t("problem.cut", alerts.size, total) : "");
    const after = told.next == null ? -1 : told.next - 1;
    if (started) live.resume(after);
    else live.start(after);
    started = true;
    list.render(true);
    if (detail.id) choose(detail.id, false);
    else fromAddress();
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    tell(place("problem"), failure.sentence);
    if (failure.status === 401) return ended();
    setTimeout(load, AGAIN_MS);
  }
  showTime();
}

function fromAddress() {
  const id = location.hash.slice(1);
  if (alerts.has(id)) choose(id, true);
}

/** One event of the stream: the newest whole state of an alert, or a refusal. */
function take(event) {
  detail.answered(event);
  const body = event.data;
  const before = alerts.get(event.alertid);
  if (event.type.includes(".refused.")) {
    if (before && event.sequence > before.sequence) before.sequence = event.sequence;
  } else if (!before || body.sequence > before.sequence) {
    alerts.set(event.alertid, body);
    if (event.type.includes(".raised.") && !body.state.closed?.on) announce(body);
    if (body.state.closed?.on) setTimeout(() => forget(event.alertid), CLOSED_STAYS_MS);
    list.changed(event.alertid, !before);
  }
  if (event.alertid === detail.id) detail.update(alerts.get(event.alertid), event);
}

function forget(id) {
  alerts.delete(id);
  list.changed(id, false);
}

function announce(alert) {
  place("news").textContent = t("alerts.new", `${t(`severity.${alert.severity}`)}, ${best(alert.headline)}`);
}

function choose(id, opens) {
  const alert = alerts.get(id);
  list.select(alert ? id : null);
  if (alert) detail.show(alert);
  if (alert && opens) open(true);
  history.replaceState(null, "", alert ? `#${id}` : location.pathname);
}

/** On a phone the detail covers the list. */
function open(opens) {
  document.body.classList.toggle("opened", opens);
  if (!opens) list.focus();
  else if (matchMedia("(max-width: 760px)").matches) scrollTo(0, 0);
}

function ended() {
  live.ended = true;
  live.source?.close();
  tell(place("problem"), t("problem.login"));
  place("problem").append(" ", Object.assign(document.createElement("a"), { href: "/login", textContent: t("title.login") }));
}

let probing = false;

/** While cut off: is it the session that has ended? */
async function probe() {
  if (probing || live.ended) return;
  probing = true;
  await ask("/v1/alerts").catch((failure) => failure.status === 401 && ended());
  setTimeout(() => (probing = false), AGAIN_MS * 3);
}

function showTime() {
  const veiled = loaded ? live.veiled() : "";
  const now = live.now();
  const upto = live.upto ? t("evaluated.upto", near(live.upto, now)) : t("evaluated.none");
  const evaluated = place("evaluated");
  if (evaluated.textContent !== upto) evaluated.textContent = upto;
  evaluated.classList.toggle("stale", veiled !== "");
  const sentences = {
    stale: () => t("veil.stale", near(live.upto, now)),
    none: () => t("veil.none"),
    cut: () => t("veil.cut", near(live.cutSince + (live.offset ?? 0), now)),
  };
  const sentence = loaded ? sentences[veiled]?.() ?? "" : t("veil.loading");
  if (place("veil-text").textContent !== sentence) place("veil-text").textContent = sentence;
  place("veil").hidden = !sentence;
  place("rows").classList.toggle("veiled", sentence !== "");
  place("nothing").classList.toggle("veiled", sentence !== "");
  if (veiled === "cut") probe();
}

list.render(true);
detail.empty();
showTime();
keys({ list, detail, open, act: (deed) => detail.press(deed), filter: place("filter") });
addEventListener("hashchange", fromAddress);
load();
