// A small line chart of the last minutes. Its figures are there as text too.
import { t } from "../../locale.js";
import { h } from "../../ui/index.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 60;
/** Milliseconds. */
const SPAN = 300_000;

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
	/** @param {number} now milliseconds @param {number} latest */
	const add = (now, latest) => {
		points.push({ at: now, value: latest });
		points = points.filter(({ at }) => at > now - SPAN);
		const values = points.map(({ value }) => value);
		const low = Math.min(...values);
		const height = Math.max(...values) - low;
		current.textContent = format(latest);
		range.textContent = t("5 minutes: {low} to {high}", "5 минут: от {low} до {high}",
			{ low: format(low), high: format(low + height) });
		svg.setAttribute("aria-label", `${label}: ${format(latest)}. ${range.textContent}`);
		line.setAttribute("points", points.map(({ at, value }) => {
			const y = HEIGHT - (height && (value - low) / height) * HEIGHT;
			return `${Math.round(WIDTH - (now - at) / SPAN * WIDTH)},${Math.round(y)}`;
		}).join(" "));
	};
	return { add, element: h("figure", { class: "card" },
		h("figcaption", null, label, current), svg, range) };
}
