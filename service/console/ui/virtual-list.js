// A list of a million rows: only those in view have elements.
import { h } from "./dom.js";

/** The height of a row, and of the sticky head, in pixels, as in keys.css. */
export const ROW = 32;
/** Browsers limit the height of an element, Firefox to 17.8 million. Pixels. */
const MAX_HEIGHT = 16_000_000;
/** Rows above and below the view. */
const OVERSCAN = 12;

/**
 * Fills a scrolling element with rows. If the list is higher than an element can be,
 * its scroll bar has a scale. `place.top`: pixels above the view.
 */
export function virtualList(viewport, { place, signal, renderRow, onshow }) {
	const body = h("div", { role: "presentation" });
	const canvas = h("div.virtual-canvas", { role: "presentation" }, body);
	let count = 0;

	/** `scale`: pixels of the list for each pixel of the scroll bar. */
	const sizes = () => {
		const height = count * ROW;
		const view = viewport.clientHeight - ROW;
		const most = Math.max(0, height - view);
		const bar = Math.min(height, MAX_HEIGHT) - view;
		return { view, most, scale: Math.max(1, most / bar || 1) };
	};

	const show = () => {
		const { most, view, scale } = sizes();
		if (view <= 0) return; // a hidden list keeps its place
		const { scrollTop } = viewport;
		const top = place.top = Math.min(scrollTop * scale, most);
		const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
		const last = Math.min(count, Math.ceil((top + view) / ROW) + OVERSCAN);
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
		place.top = top;
		const to = top / sizes().scale;
		if (Math.abs(viewport.scrollTop - to) >= 1) viewport.scrollTop = to;
		show();
	};

	const list = {
		rows: new Map(),
		setCount(n) {
			count = n;
			canvas.style.height = `${Math.min(n * ROW, MAX_HEIGHT)}px`;
			list.rows = new Map();
			moveTo(place.top);
		},
		/** Scrolls no more than needed to show a row. */
		scrollTo(index) {
			const lowest = (index + 1) * ROW - sizes().view;
			moveTo(Math.max(lowest, Math.min(index * ROW, place.top)));
		},
	};
	const observer = new ResizeObserver(() => moveTo(place.top));
	observer.observe(viewport);
	signal.addEventListener("abort", () => observer.disconnect());
	viewport.addEventListener("scroll", show, { passive: true, signal });
	viewport.append(canvas);
	return list;
}
