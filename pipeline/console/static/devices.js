// The page of devices: the last reading of each quantity, its age in words, cameras on demand.
import { Failed, ask, best, boot, folded, h, icon, t, tell } from "./dom.js";
import { dayClock, plain, span, stateText, titleOf, value } from "./format.js";
import { common, frame } from "./keys.js";
import { Still } from "./stills.js";

const EACH_MS = 5000;
const AGAIN_MS = 3000;
const NO_PERIOD_MS = 15 * 60000;
const SILENT_PERIODS = 10;
const LATE_PERIODS = 3;
const place = (id) => document.getElementById(id);
const stills = new Map();
const rows = new Map();
let told = null;
let filter = "";

/** live, late, silent or never: by the newest reading and the type's declared period. */
function stateOf(device, now) {
  const newest = Math.max(0, ...device.last.map((one) => one.at ?? 0));
  if (!newest) return "never";
  const period = device.period_s ? device.period_s * 1000 : NO_PERIOD_MS;
  const age = now - newest - device.delay_s * 1000;
  if (age <= Math.max(period * LATE_PERIODS, 10000)) return "live";
  return age <= Math.max(period * SILENT_PERIODS, 60000) ? "late" : "silent";
}

const ORDER = ["silent", "late", "never", "live"];

function render() {
  const now = told.now;
  const all = told.devices.map((device) => ({ device, state: stateOf(device, now) }));
  const shown = all.filter(({ device, state }) => matches(device, state)).sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.device.id < b.device.id ? -1 : 1));
  const kept = new Set(shown.map(({ device }) => device.id));
  for (const [id, row] of rows) if (!kept.has(id)) (row.remove(), rows.delete(id));
  shown.forEach(({ device, state }, index) => place_(row(device, state, now), index));
  const count = (state) => plain(all.filter((one) => one.state === state).length);
  place("counts").textContent = t("devices.count", plain(all.length), count("live"), count("late"), plain(all.filter((one) => ["silent", "never"].includes(one.state)).length));
  tell(place("nothing"), shown.length ? (told.cut ? t("devices.cut", plain(all.length)) : "") : t(all.length ? "devices.nothing" : "devices.none"));
  cameras();
}

function place_(row, index) {
  const body = place("devices");
  if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
}

const siteOf = (device) => best(told.sites[device.site]) || device.site;
const typeOf = (device) => best(told.types[device.type]) || device.type;

function matches(device, state) {
  const words = [device.id, best(device.title), siteOf(device), typeOf(device), t(`devices.${state}`), ...device.last.map((one) => titleOf(one.quantity))];
  return !filter || folded(words.join(" ")).includes(filter);
}

function row(device, state, now) {
  let found = rows.get(device.id);
  if (!found) rows.set(device.id, (found = h("tr", {})));
  found.className = `device-${state}`;
  found.replaceChildren(
    h("td", {}, h("b", {}, best(device.title) || device.id), h("small", {}, typeOf(device), " · ", h("code", {}, device.id))),
    h("td", { class: "site" }, siteOf(device)),
    h("td", {}, h("ul", { class: "readings" }, ...device.last.filter((one) => one.at).map((one) => reading(one, now)))),
    h("td", {}, h("span", { class: `state state-${state}` }, icon(`device-${state}`), t(`devices.${state}`))),
  );
  return found;
}

function reading(one, now) {
  const text = one.text != null ? stateText(one.text) : value(one.value, one.quantity);
  return h("li", { title: dayClock(one.at) }, h("span", {}, titleOf(one.quantity)), h("b", {}, text), h("time", {}, t("devices.ago", span(Math.max(1000, now - one.at)))));
}

function cameras() {
  for (const camera of told.cameras) {
    if (stills.has(camera.id)) continue;
    const still = new Still(camera);
    const button = h("button", { type: "button", "aria-pressed": "false", onclick: () => toggle(still, button) }, t("still.show"));
    const name = h("div", {}, h("b", {}, best(camera.title) || camera.id), h("small", {}, siteOf(camera), " · ", h("code", {}, camera.id)));
    stills.set(camera.id, { still, card: h("article", { class: "camera" }, icon("camera"), name, button) });
    place("cameras").append(stills.get(camera.id).card);
  }
}

function toggle(still, button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  button.textContent = t(on ? "still.hide" : "still.show");
  if (on) {
    button.parentElement.append(still.figure);
    still.start();
  } else {
    still.stop();
    still.figure.remove();
  }
}

async function load() {
  let again = EACH_MS;
  try {
    told = await ask("/v1/devices");
    tell(place("problem"), "");
    render();
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    tell(place("problem"), failure.sentence);
    again = AGAIN_MS;
  }
  document.querySelector(".table").classList.toggle("veiled", !place("problem").hidden);
  setTimeout(load, again);
}

const help = frame();
place("filter").addEventListener("input", (event) => {
  filter = folded(event.target.value.trim());
  if (told) render();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, dialog")) {
    if (event.key === "Escape" && event.target === place("filter")) event.target.blur();
    return;
  }
  common(event, help, place("filter"));
});
load();
