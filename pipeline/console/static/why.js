// Why an alert was raised, in words: values with unit and time, threshold, legal basis, window.
import { best, h, known, t } from "./dom.js";
import { clock, durationMs, exactSpan, near, plain, stateText, titleOf, value } from "./format.js";
import { titleOfRule } from "./list.js";

const COUNTED = new Set(["count", "distinct"]);
const DRAWN = new Set(["", "mean", "min", "max", "last", "p95", "leq", "vector_mean"]);

const quantityOf = (why) => (why.operands ?? []).at(-1)?.quantity ?? "";

/** A number of the threshold or the window: a count has no unit. */
function figure(number, why) {
  return COUNTED.has(why.window?.aggregate) ? plain(number) : value(number, quantityOf(why));
}

/** The numbers of the threshold that can be drawn beside the readings themselves. */
export function limits(alert) {
  const why = alert.why;
  if (!DRAWN.has(why.window?.aggregate ?? "")) return [];
  const predicate = why.threshold?.predicate ?? {};
  return ["above", "below", "outside", "equals"].flatMap((name) => predicate[name] ?? []).filter((bound) => typeof bound === "number");
}

/** The threshold in words. */
function bound(why) {
  const predicate = why.threshold?.predicate ?? {};
  if (!why.window && why.operands?.at(-1)?.text != null && predicate.above === 0) return ""; // seen at all: no number
  const words = [];
  for (const name of ["above", "below", "outside", "equals"]) {
    const given = predicate[name];
    if (given === undefined) continue;
    const numbers = (Array.isArray(given) ? given : [given]).map((one) => (typeof one === "number" ? figure(one, why) : stateText(String(one))));
    words.push(t(`why.${name}`, ...numbers));
  }
  if (predicate.times) words.push(t("why.times", predicate.times, exactSpan(durationMs(predicate.within))));
  if (predicate.k) words.push(t("why.cluster", predicate.k, predicate.radius));
  if (predicate.after) words.push(t("why.after", exactSpan(durationMs(predicate.after))));
  return words.join(", ");
}

const row = (name, ...contents) => h("div", {}, h("dt", {}, name), h("dd", {}, ...contents));

/** Elements that say why. `other`: the newest alert of a key, if it is in the list; `choose`: opens it. */
export function why(alert, now, { other, choose }) {
  const reason = alert.why;
  const facts = [];
  const words = bound(reason);
  if (words) facts.push(row(t("why.threshold"), words));
  if (reason.window) facts.push(row(t("why.window"), windowText(reason, now)));
  if (reason.held_for_ms) facts.push(row(t("why.held"), exactSpan(reason.held_for_ms)));
  if (reason.count > 1 && reason.min != null) facts.push(row(t("why.count"), t("why.range", plain(reason.count), value(reason.min, quantityOf(reason)), value(reason.max, quantityOf(reason)))));
  const legal = reason.threshold?.legal || alert.legal;
  if (legal) facts.push(row(t("why.legal"), legal));
  if (reason.detail) facts.push(row(t("why.detail"), reason.detail));
  const parts = [];
  if (titleOfRule(alert)) parts.push(h("p", { class: "description" }, titleOfRule(alert)));
  if (reason.unknown) parts.push(h("p", { class: "warn" }, t("why.unknown")));
  if (reason.conditions?.length) parts.push(counted(reason.conditions, other, choose));
  if (reason.operands?.length) parts.push(operands(reason.operands, now));
  if (facts.length) parts.push(h("dl", { class: "facts" }, ...facts));
  return parts;
}

function windowText(reason, now) {
  const w = reason.window;
  const told = w.value == null ? "–" : figure(w.value, reason);
  const aggregate = known("aggregate", w.aggregate ?? "");
  const words = [t("why.window_text", near(w.start, now), clock(w.end), aggregate, told, plain(w.count ?? 0))];
  if (w.coverage != null) words.push(t("why.coverage", plain(Math.round(w.coverage * 100))));
  if (w.insufficient) words.push(t("why.insufficient"));
  if (!DRAWN.has(w.aggregate ?? "") && reason.threshold) words.push(t("why.not_on_chart", aggregate));
  return words.join("; ");
}

const MOST = 6;

/** What an alert over other alerts has counted: the newest ones, to be opened where they are open still. */
function counted(keys, other, choose) {
  const items = [...new Set(keys)].slice(-MOST).toReversed().map((key) => {
    const found = other(key);
    const open = (event) => (event.preventDefault(), choose(found.alert));
    return h("li", {}, found ? h("a", { href: `#${found.alert}`, onclick: open }, best(found.headline)) : h("code", {}, key.replaceAll("|", " · ")));
  });
  return h("div", { class: "counted" }, h("h4", {}, t("why.conditions", keys.length)), h("ul", {}, ...items));
}

function operands(all, now) {
  const shown = all.slice(-MOST).toReversed();
  const head = h("tr", {}, ...["quantity", "value", "time", "device"].map((name) => h("th", { scope: "col" }, t(`why.${name}`))));
  return h("table", { class: "table operands" }, h("thead", {}, head), h("tbody", {}, ...shown.map((one) => operand(one, now))));
}

function operand(one, now) {
  const told = one.text != null ? stateText(one.text) : one.value != null ? value(one.value, one.quantity) : "–";
  const doubt = one.quality && one.quality !== "good" ? h("small", { class: "doubt" }, ` ${known("quality", one.quality)}`) : null;
  const place = one.topic ? `${t("why.place")}: ${one.topic}/${one.partition ?? 0} @ ${one.offset ?? 0}.${one.line ?? 0}` : null;
  return h("tr", { title: place }, h("td", {}, titleOf(one.quantity) || t("severity.indeterminate")), h("td", { class: "figure" }, told, doubt), h("td", {}, near(one.at, now)), h("td", {}, h("code", {}, one.device)));
}
