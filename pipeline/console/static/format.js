// Times in the centre's zone, 24 h, dd/mm; numbers with decimal comma in Vietnamese.
import { boot, known, t } from "./dom.js";

const zone = boot.timezone;
const parts = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
const CLOCK = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SHORT = parts({ hour: "2-digit", minute: "2-digit" });
const DAY = parts({ day: "2-digit", month: "2-digit" });
const NUMBER = new Intl.NumberFormat(boot.language === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 2 });
const METRES = new Intl.NumberFormat(boot.language === "vi" ? "vi-VN" : "en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const clock = (ms) => CLOCK.format(ms);
export const shortClock = (ms) => SHORT.format(ms);
export const dayClock = (ms) => `${CLOCK.format(ms)}, ${DAY.format(ms)}`;
export const ms = (rfc3339) => (rfc3339 ? Date.parse(rfc3339) : 0);

/** 08:15:42, with the day when it is not the day of `now`. */
export const near = (at, now) => (DAY.format(at) === DAY.format(now) ? clock(at) : dayClock(at));

const SPANS = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"], [1, "ms"]];

/** A length of time in its largest unit, whole ones only. */
export function span(length) {
  const [size, name] = SPANS.find(([size]) => length >= size) ?? [1000, "s"];
  return t(`span.${name}`, NUMBER.format(Math.floor(length / size)));
}

/** A length of time in its two largest units: 1 min 40 s. */
export function exactSpan(length) {
  const at = SPANS.findIndex(([size]) => length >= size);
  if (at < 0) return t("span.s", "0");
  const words = [];
  for (const [size, name] of SPANS.slice(at, at + 2)) {
    const whole = Math.floor(length / size);
    if (whole) words.push(t(`span.${name}`, NUMBER.format(whole)));
    length -= whole * size;
  }
  return words.join(" ");
}

const DURATION = { ms: 1, s: 1000, m: 60000, min: 60000, h: 3600000, d: 86400000 };

/** A duration as rules write it ("1500ms", "2m", "1h30m") in ms; 0 when it is none. */
export function durationMs(text) {
  let total = 0;
  for (const [, number, unit] of String(text).matchAll(/([\d.]+)\s*(ms|s|min|m|h|d)/g)) total += Number(number) * DURATION[unit];
  return total;
}

/** The unit of a quantity as people write it. */
export const unitOf = (quantity) => boot.quantities[quantity]?.unit ?? "";
export const titleOf = (quantity) => boot.quantities[quantity]?.title ?? known("seen", quantity);

/** A value with its unit. */
export function value(number, quantity) {
  const unit = unitOf(quantity);
  const text = (unit === "m" ? METRES : NUMBER).format(number);
  return unit ? `${text} ${unit}` : text;
}

export const plain = (number) => NUMBER.format(number);
export const stateText = (text) => known("value", text);
