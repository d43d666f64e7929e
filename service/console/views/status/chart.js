// A small line chart. Its figures are there as text too.
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 60;
/** Keeps the line inside when it touches an edge. */
const MARGIN = 3;

/** @typedef {{at: number, value: number}} Point `at` in milliseconds */

/**
 * @param {string} label
 * @param {(value: number) => string} format
 * @param {number} span milliseconds that the chart covers
 */
export function chart(label, format, span) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const line = document.createElementNS(SVG, "polyline");
  svg.append(line);
  const current = h("strong");
  const range = h("span", { class: "muted" });
  const element = h("figure", { class: "card" },
    h("figcaption", null, h("span", null, label), current), svg, range);
  /** @param {Point[]} points */
  const update = (points) => {
    const values = points.map(({ value }) => value);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const now = format(values.at(-1) ?? 0);
    const [min, max] = [format(low), format(high)];
    current.textContent = now;
    range.textContent = t("Lowest {min}, highest {max}", { min, max });
    svg.setAttribute("aria-label",
      t("{label} in the last minutes: now {now}, lowest {min}, highest {max}",
        { label, now, min, max }));
    line.setAttribute("points", path(points, low, high, span));
  };
  return { element, update };
}

/**
 * @param {Point[]} points @param {number} low @param {number} high @param {number} span
 */
function path(points, low, high, span) {
  const end = points.at(-1)?.at ?? 0;
  const place = ({ at, value }) => {
    const x = WIDTH * (1 - (end - at) / span);
    const share = high === low ? 0.5 : (value - low) / (high - low);
    const y = HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return points.map(place).join(" ");
}
