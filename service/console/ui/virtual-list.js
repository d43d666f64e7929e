// A list of a million rows: only those in view have elements.
import { h } from "./dom.js";

/** The height of a row, and of the sticky head, in pixels, as in keys.css. */
export const ROW = 32;
const MAX_HEIGHT = 16_000_000; // pixels of an element; Firefox allows 17.8 million
const OVERSCAN = 12; // rows above and below the view

/**
 * Fills a scrolling element with the rows of a place. If they are higher than an
 * element can be, the scroll bar has a scale. `place.top`: pixels above the view.
 */
export function virtualList(viewport, { place, renderRow, onshow }) {
	const body = h("div", { role: "presentation" });
	const canvas = h("div.virtual-canvas", { role: "presentation" }, body);

	/** `scale`: pixels of the list for each pixel of the scroll bar. */
	const sizes = () => {
		const view = viewport.clientHeight - ROW;
		const most = place.rows.length * ROW - view;
		return { view, scale: Math.max(1, most / (MAX_HEIGHT - view)) };
	};

	const show = () => {
		const { view, scale } = sizes();
		if (view <= 0) return; // a hidden list keeps its place
		const { scrollTop } = viewport;
		const top = place.top = scrollTop * scale;
		const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
		const last = Math.min(place.rows.length, Math.ceil((top + view) / ROW) + OVERSCAN);
		const rows = new Map();
		for (let index = first; index < last; index += 1) {
			rows.set(index, list.rows.get(index) ?? renderRow(index));
		}
		list.rows = rows;
		body.replaceChildren(...rows.values());
		body.style.transform = `translateY(${first * ROW + scrollTop - top}px)`;
		onshow(first, last);
	};

	const moveTo = (top) => {
		const to = top / sizes().scale;
		if (Math.abs(viewport.scrollTop - to) >= 1) viewport.scrollTop = to;
		show();
	};

	const list = {
		rows: new Map(),
		refresh() {
			canvas.style.height = `${Math.min(place.rows.length * ROW, MAX_HEIGHT)}px`;
			list.rows = new Map();
			moveTo(place.top);
		},
		/** Scrolls no more than needed to show a row. */
		scrollTo(index) {
			const lowest = (index + 1) * ROW - sizes().view;
			moveTo(Math.max(lowest, Math.min(index * ROW, place.top)));
		},
	};
	new ResizeObserver(() => moveTo(place.top)).observe(viewport);
	viewport.addEventListener("scroll", show);
	viewport.append(canvas);
	return list;
}
