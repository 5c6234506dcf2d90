// A small chart of one series: mean as a line, least to greatest as a band, thresholds dashed, the alert shaded.
import { h, t } from "./dom.js";
import { ms, plain, shortClock, titleOf, unitOf, value } from "./format.js";

const W = 560;
const H = 170;
const LEFT = 46;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 24;

export function chart(series, alert, limits) {
  const points = series.points;
  const [from, to] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 1000)];
  const values = points.flatMap((point) => [point[2], point[3]]).concat(limits);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  low = low >= 0 && low - pad < 0 ? 0 : low - pad;
  high += pad;
  const x = (at) => LEFT + ((at - from) / (to - from)) * (W - LEFT - RIGHT);
  const y = (number) => TOP + ((high - number) / (high - low)) * (H - TOP - BOTTOM);
  const at = (px, py) => `${px.toFixed(1)},${py.toFixed(1)}`;
  const line = (part) => part.map(([when, mean]) => at(x(when), y(mean))).join(" ");
  const upper = (part) => part.map(([when, , , top]) => at(x(when), y(top)));
  const lower = (part) => part.map(([when, , bottom]) => at(x(when), y(bottom))).reverse();
  const name = titleOf(series.quantity);
  const label = t("detail.chart_label", name, shortClock(from), shortClock(to), value(Math.min(...points.map((p) => p[2])), series.quantity), value(Math.max(...points.map((p) => p[3])), series.quantity));
  const title = `${name}${unitOf(series.quantity) ? ` (${unitOf(series.quantity)})` : ""}`;
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, title, " ", h("code", {}, series.device)),
    h(
      "svg",
      { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label },
      during(alert, x, from, to),
      ...ticks(low, high).map((tick) => h("g", { class: "grid" }, h("line", { x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick) }), h("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, plain(tick)))),
      ...times(from, to).map((when, index, all) => h("text", { class: "time", x: x(when), y: H - 6, "text-anchor": index === 0 ? "start" : index === all.length - 1 ? "end" : "middle" }, shortClock(when))),
      ...unbroken(points).flatMap((part) => [
        h("path", { class: "band", d: `M${upper(part).concat(lower(part)).join("L")}Z` }),
        part.length > 1 ? h("polyline", { class: "series", points: line(part) }) : h("circle", { class: "single", cx: x(part[0][0]), cy: y(part[0][1]), r: 2.5 }),
      ]),
      ...limits.map((limit) => h("g", { class: "limit" }, h("line", { x1: LEFT, x2: W - RIGHT, y1: y(limit), y2: y(limit) }), h("text", { x: LEFT + 4, y: y(limit) + (y(limit) < TOP + 16 ? 14 : -5) }, value(limit, series.quantity)))),
    ),
  );
}

const GAP = 5;

/** The points in runs: where nothing was measured for long, no line is drawn. */
function unbroken(points) {
  const apart = points.slice(1).map((point, index) => point[0] - points[index][0]);
  const usual = apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)];
  const parts = [[points[0]]];
  points.slice(1).forEach((point, index) => (apart[index] > usual * GAP ? parts.push([point]) : parts.at(-1).push(point)));
  return parts;
}

/** The time that the alert was active. */
function during(alert, x, from, to) {
  const begin = Math.max(from, alert.episode);
  const end = Math.min(to, alert.times.end ? ms(alert.times.end) : to);
  if (end <= begin) return null;
  return h("rect", { class: "during", x: x(begin), width: Math.max(1, x(end) - x(begin)), y: TOP, height: H - TOP - BOTTOM });
}

/** About four round numbers between low and high. */
function ticks(low, high) {
  const raw = (high - low) / 5;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= raw);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(Math.round(tick / step) * step);
  return found;
}

const times = (from, to) => [0, 1 / 3, 2 / 3, 1].map((share) => from + share * (to - from));
