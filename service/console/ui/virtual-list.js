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
 */
export function virtualList(viewport, { rowHeight, inset, signal, renderRow, onshow }) {
	const body = h("div", { role: "presentation" });
	const canvas = h("div.virtual-canvas", { role: "presentation" }, body);
	let rows = /** @type {Map<number, HTMLElement>} */ (new Map());
	/** `top`: pixels of the list above the view. */
	let [count, top, scrollTop] = [0, 0, 0];

	/** `scale`: pixels of the list for each pixel of the scroll bar. */
	const sizes = () => {
		const height = count * rowHeight;
		const view = viewport.clientHeight - inset;
		const most = Math.max(0, height - view);
		const bar = Math.min(height, MAX_HEIGHT) - view;
		return { view, most, scale: bar > 0 ? Math.max(1, most / bar) : 1 };
	};

	const show = (wanted) => {
		const { most, view } = sizes();
		if (view <= 0) return; // a hidden list keeps its place
		top = Math.max(0, Math.min(wanted, most));
		({ scrollTop } = viewport);
		const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
		const last = Math.min(count, Math.ceil((top + view) / rowHeight) + OVERSCAN);
		const next = new Map();
		for (let index = first; index < last; index += 1) {
			next.set(index, rows.get(index) ?? renderRow(index));
		}
		rows = next;
		body.replaceChildren(...rows.values());
		body.style.transform = `translateY(${first * rowHeight + scrollTop - top}px)`;
		onshow(first, last);
	};

	const onscroll = () => {
		const { scale, view } = sizes();
		const step = viewport.scrollTop - scrollTop;
		const isSmall = scale > 1 && Math.abs(step) < 2 * view;
		show(isSmall ? top + step : viewport.scrollTop * scale);
	};

	const moveTo = (to) => {
		top = to;
		const { scale, most } = sizes();
		viewport.scrollTop = Math.min(to, most) / scale;
		show(to);
	};
	const settle = () => moveTo(top);
	const observer = new ResizeObserver(settle);
	observer.observe(viewport);
	signal.addEventListener("abort", () => observer.disconnect());
	viewport.addEventListener("scroll", onscroll, { passive: true, signal });
	viewport.addEventListener("scrollend", settle, { signal });
	viewport.append(canvas);
	return {
		moveTo,
		rows: () => rows,
		top: () => top,
		/** Draws the rows in view anew. @param {number} n of all rows */
		setCount(n) {
			count = n;
			canvas.style.height = `${Math.min(n * rowHeight, MAX_HEIGHT)}px`;
			rows = new Map();
			show(top);
		},
		/** Scrolls no more than needed to show a row. @param {number} index */
		scrollTo(index) {
			const lowest = (index + 1) * rowHeight - sizes().view;
			moveTo(Math.max(lowest, Math.min(index * rowHeight, top)));
		},
	};
}
