// A small line chart of the last minutes. Its figures are there as text too.
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 60;
/** Milliseconds. */
const SPAN = 5 * 60_000;

/** @param {string} label @param {(value: number) => string} format */
export function chart(label, format) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 -3 ${WIDTH} ${HEIGHT + 6}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const line = document.createElementNS(SVG, "polyline");
  svg.append(line);
  const current = h("strong");
  const range = h("span", { class: "muted" });
  /** @type {{at: number, value: number}[]} */
  let points = [];
  /** @param {number} now milliseconds @param {number} value */
  const add = (now, value) => {
    points = [...points, { at: now, value }].filter(({ at }) => at > now - SPAN);
    const values = points.map((point) => point.value);
    const low = Math.min(...values);
    const high = Math.max(...values);
    current.textContent = format(value);
    range.textContent = t("5 minutes: {low} to {high}",
      { low: format(low), high: format(high) });
    svg.setAttribute("aria-label",
      `${label}: ${current.textContent}. ${range.textContent}`);
    line.setAttribute("points", points.map((point) => {
      const x = WIDTH * (1 - (now - point.at) / SPAN);
      const share = high === low ? 0.5 : (point.value - low) / (high - low);
      return `${x.toFixed(1)},${(HEIGHT * (1 - share)).toFixed(1)}`;
    }).join(" "));
  };
  return { add, element: h("figure", { class: "card" },
    h("figcaption", null, label, current), svg, range) };
}
