// A list of a million rows with a few dozen elements: only rows in view exist.
import { h } from "./dom.js";

/** Browsers limit the height of an element, Firefox to 17.8 million. Pixels. */
const MAX_HEIGHT = 16_000_000;
/** Rows above and below the view. */
const OVERSCAN = 12;

/**
 * Fills a scrolling element with rows of one height. If the list is higher than an
 * element can be, its scroll bar has a scale, but small steps still are pixels.
 * `inset` is the height of a sticky head. `onshow` gets the range of rows that exist.
 * @param {HTMLElement} viewport
 * @param {{rowHeight: number, inset?: number, signal: AbortSignal,
 *   renderRow: (index: number) => HTMLElement,
 *   onshow: (first: number, last: number) => void}} options
 */
export function virtualList(viewport, options) {
	const { rowHeight, inset = 0, signal, renderRow, onshow } = options;
	const canvas = h("div.virtual-canvas", { role: "presentation" });
	/** @type {Map<number, HTMLElement>} */
	const rows = new Map();
	/** `top`: pixels of the list above the view. */
	let [count, top, scrollTop, shift] = [0, 0, 0, 0];

	/** `scale`: pixels of the list for each pixel of the scroll bar. */
	const sizes = () => {
		const height = count * rowHeight;
		const view = viewport.clientHeight - inset;
		const most = Math.max(0, height - view);
		const bar = Math.min(height, MAX_HEIGHT) - view;
		return { height, view, most, scale: bar > 0 ? Math.max(1, most / bar) : 1 };
	};

	const show = (/** @type {number} */ wanted) => {
		const { most, view } = sizes();
		top = Math.max(0, Math.min(wanted, most));
		scrollTop = viewport.scrollTop;
		const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
		const last = Math.min(count, Math.ceil((top + view) / rowHeight) + OVERSCAN);
		const before = shift;
		shift = scrollTop - top;
		for (const [index, row] of rows) {
			if (index < first || index >= last || shift !== before) {
				row.remove();
				rows.delete(index);
			}
		}
		/** @type {HTMLElement | null} */
		let next = null;
		for (let index = last - 1; index >= first; index -= 1) {
			const row = rows.get(index) ?? renderRow(index);
			if (!rows.has(index)) {
				row.style.transform = `translateY(${index * rowHeight + shift}px)`;
				rows.set(index, row);
				canvas.insertBefore(row, next);
			}
			next = row;
		}
		onshow(first, last);
	};

	const scrolled = () => {
		const { scale, view } = sizes();
		const step = viewport.scrollTop - scrollTop;
		const isSmall = scale > 1 && Math.abs(step) < 2 * view;
		if (view > 0) { // a hidden list keeps its place
			show(isSmall ? top + step : viewport.scrollTop * scale);
		}
	};

	const list = {
		rows,
		top: () => top,
		/** Draws the rows in view anew. @param {number} n of all rows */
		setCount(n) {
			count = n;
			canvas.style.height = `${Math.min(sizes().height, MAX_HEIGHT)}px`;
			rows.clear();
			canvas.replaceChildren();
			scrolled();
		},
		/** @param {number} to pixels of the list above the view */
		moveTo(to) {
			viewport.scrollTop = Math.min(to, sizes().most) / sizes().scale;
			show(to);
		},
		/** Scrolls no more than needed to show a row. @param {number} index */
		scrollTo(index) {
			const lowest = (index + 1) * rowHeight - sizes().view;
			list.moveTo(Math.max(lowest, Math.min(index * rowHeight, top)));
		},
	};
	const settle = () => list.moveTo(top);
	const observer = new ResizeObserver(settle);
	observer.observe(viewport);
	signal.addEventListener("abort", () => observer.disconnect());
	viewport.addEventListener("scroll", scrolled, { passive: true, signal });
	viewport.addEventListener("scrollend", settle, { signal });
	viewport.append(canvas);
	return list;
}
