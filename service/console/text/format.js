// Sizes, counts, durations and times in the language of the page.

import { language, t } from "../locale/index.js";

/** @param {number} n @param {number} [fraction] digits */
const number = (n, fraction = 0) =>
  n.toLocaleString(language(), { maximumFractionDigits: fraction });

/** @param {number} bytes @returns {string} such as "3 B", "1.2 KiB" */
export function size(bytes) {
  let n = bytes;
  let unit = 0;
  // What would be rounded up to 1,024 belongs to the next unit.
  for (; n >= 1023.5 && unit < 3; unit++) n /= 1024;
  const values = { n: number(n, n < 99.95 ? 1 : 0) };
  if (unit === 0) return t("{n} B", values);
  if (unit === 1) return t("{n} KiB", values);
  return unit === 2 ? t("{n} MiB", values) : t("{n} GiB", values);
}

/** @param {number | null} n null: more than the limit @param {number} [limit] */
export function count(n, limit = 1000) {
  return n === null ? `${number(limit)}+` : number(n);
}

/** @param {number} seconds @returns {string} such as "3 d 4 h", "59 s" */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86400)];
  const parts = [
    d > 0 && t("{n} d", { n: number(d) }),
    h % 24 > 0 && t("{n} h", { n: h % 24 }),
    m % 60 > 0 && t("{n} min", { n: m % 60 }),
    (s % 60 > 0 || s === 0) && t("{n} s", { n: s % 60 }),
  ];
  const first = parts.findIndex(Boolean);
  return parts.slice(first, first + 2).filter(Boolean).join(" ");
}

/** @param {number} instant Unix seconds @returns {string} such as "12:04:31" */
export const time = (instant) =>
  new Date(instant * 1000).toLocaleTimeString(language(), { hourCycle: "h23" });

/** @param {number} instant Unix seconds @returns {string} day and time */
export const dateTime = (instant) =>
  new Date(instant * 1000).toLocaleString(language(), {
    dateStyle: "medium",
    timeStyle: "medium",
    hourCycle: "h23",
  });
