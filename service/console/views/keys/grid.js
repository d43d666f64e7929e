// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale.js";
import { h } from "../../ui/index.js";
import { virtualList } from "../../ui/virtual-list.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { select } from "./place.js";
import { ROW, headElement, remaining, rowElement } from "./row.js";
import { isKey } from "./rows.js";

/** Rows below the view that are loaded ahead. */
const AHEAD = 300;
/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{signal: AbortSignal, onopen: (key: string) => void, onchange: () => void,
 *   ondelete: (row: Row) => void, onexpire: (key: string) => void}} Options
 */

export class Grid {
	/** @param {import("./place.js").Place} place @param {Options} options */
	constructor(place, options) {
		this.place = place;
		this.options = options;
		const { signal } = options;
		this.element = h("div.key-grid", { role: place.isTree ? "treegrid" : "grid",
			tabindex: 0, "aria-label": t("Keys", "Ключи"), "aria-multiselectable": "true" },
		headElement());
		this.list = virtualList(this.element, { rowHeight: ROW, inset: ROW, signal,
			onshow: (first, last) => this.#shown(first, last),
			renderRow: (index) => rowElement(this.row(index), index, place) });
		place.rows.onchange = (at, n) => {
			if (at < place.active) place.active = Math.max(at - 1, place.active + n);
			this.refresh();
		};
		listenToKeys(this);
		listenToPointer(this);
		const timer = setInterval(() => this.#countDown(), 1000);
		signal.addEventListener("abort", () => clearInterval(timer));
	}

	row(/** @type {number} */ index) {
		return /** @type {Row} */ (this.place.rows.all[index]);
	}

	/** Draws the rows anew. */
	refresh() {
		const { place, options } = this;
		const { all, root } = place.rows;
		if (options.signal.aborted) {
			return; // the rows outlive the grid
		}
		this.element.ariaRowCount = String(root.hasMore ? -1 : all.length + 1);
		place.active = Math.max(0, Math.min(place.active, all.length - 1));
		options.onchange();
		this.list.setCount(all.length);
		if (root.entries > 0 && place.wanted !== null) {
			const at = all.findIndex((row) => isKey(row) && row.key === place.wanted);
			place.wanted = null;
			this.activate(at === -1 ? place.active : at);
		}
	}

	/** @param {number} index @param {boolean} [extend] selects the rows up to it */
	activate(index, extend = false) {
		const { place, list } = this;
		list.rows.get(place.active)?.classList.remove("active");
		place.active = Math.max(0, Math.min(index, place.rows.all.length - 1));
		list.scrollTo(place.active);
		list.rows.get(place.active)?.classList.add("active");
		if (extend) {
			select(place, place.anchor, place.active);
			return this.refresh();
		}
		place.anchor = place.active;
	}

	#shown(/** @type {number} */ first, /** @type {number} */ last) {
		const { place, list, options } = this;
		place.top = list.top();
		const { id = "" } = list.rows.get(place.active) ?? {};
		this.element.setAttribute("aria-activedescendant", id);
		for (const { key, level } of place.rows.all.slice(first, last + AHEAD)) {
			if (key === null && level.error === null && !level.isLoading) {
				place.rows.load(level, options.signal);
			}
		}
	}

	#countDown() {
		this.list.rows.forEach((element, index) => {
			const row = this.row(index);
			element.querySelector(".ttl")?.replaceChildren(remaining(row));
			if (isKey(row) && row.expires <= Date.now()) {
				row.expires = Infinity;
				this.options.onexpire(row.key);
			}
		});
	}
}
