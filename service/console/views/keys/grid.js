// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { virtualList } from "../../ui/virtual-list.js";
import { listenToKeys, listenToPointer } from "./input.js";
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
      tabindex: 0, "aria-label": t("Keys"), "aria-multiselectable": "true" },
    headElement());
    this.list = virtualList(this.element, { rowHeight: ROW, inset: ROW, signal,
      onshow: (first, last) => this.#shown(first, last),
      renderRow: (index) => rowElement(this.row(index), index, place) });
    place.rows.onchange = (at, n) => {
      if (at < place.active) {
        place.active = Math.max(at - 1, place.active + n);
      }
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
    const { all, root } = this.place.rows;
    if (!this.options.signal.aborted) { // the rows outlive the grid
      this.element.ariaRowCount = String(root.hasMore ? -1 : all.length + 1);
      this.place.active = Math.max(0, Math.min(this.place.active, all.length - 1));
      this.options.onchange();
      this.list.setCount(all.length);
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
      return this.select(place.anchor, place.active);
    }
    place.anchor = place.active;
  }

  /** @param {number} from @param {number} to */
  select(from, to) {
    const { all } = this.place.rows;
    for (const row of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      isKey(row) && this.place.selected.add(row.key);
    }
    this.refresh();
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
