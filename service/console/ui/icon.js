// Line icons, 16 by 16, drawn with the colour of the text.

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} */
const PATHS = {
	add: "M8 3v10M3 8h10",
	close: "m4 4 8 8m0-8-8 8",
	closed: "m6 4 4 4-4 4",
	delete: "M3 4.5h10M6 4V2.5h4V4m-5.5.5.5 9h6l.5-9",
	download: "M8 2v8m-3-3 3 3 3-3M3 13h10",
	edit: "m3 13 .6-2.6L11 3l2 2-7.4 7.4zM9.5 4.5l2 2",
	folder: "M2 4h4l1.5 2H14v7H2z",
	key: "M7.4 8.6 13 3m-2.4 2.4 2 2M8.2 10.7a2.7 2.7 0 1 1-5.4 0 2.7 2.7 0 0 1 5.4 0z",
	open: "m4 6 4 4 4-4",
	refresh: "M13 8a5 5 0 1 1-1.6-3.7M13 3v2.6h-2.6",
	upload: "M8 11V3M5 6l3-3 3 3M3 13h10",
	user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zm-5 5.5c.6-2.2 2.6-3.2 5-3.2s4.4 1 5 3.2",
	warning: "M8 2.5 14.5 13.5h-13zM8 6.5v3.5m0 1.6v.4",
};

/** An icon. Its control has a text or a label. @type {kv.icon} */
export function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("viewBox", "0 0 16 16");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	const path = document.createElementNS(SVG, "path");
	path.setAttribute("d", PATHS[name] ?? "");
	svg.append(path);
	return svg;
}
