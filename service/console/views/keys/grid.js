// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { VirtualList } from "../../ui/virtual-list.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { headElement, remaining, rowElement } from "./row.js";
import { isKey } from "./rows.js";

/** The height of a row in pixels, as in keys.css. */
export const ROW = 32;
/** Rows before the end of what is loaded at which more is loaded. */
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
    this.element = h("div", { class: "key-grid", role: place.isTree ? "treegrid" : "grid",
      tabindex: 0, "aria-label": t("Keys"), "aria-multiselectable": "true" }, headElement());
    this.list = new VirtualList(this.element, { rowHeight: ROW, inset: ROW, signal,
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

  /** @param {number} index */
  row(index) {
    return /** @type {Row} */ (this.place.rows.all[index]);
  }

  /** Draws the rows anew. */
  refresh() {
    const { all, root } = this.place.rows;
    if (!this.options.signal.aborted) { // the rows outlive the grid
      this.element.setAttribute("aria-rowcount", String(root.hasMore ? -1 : all.length + 1));
      this.place.active = Math.max(0, Math.min(this.place.active, all.length - 1));
      this.options.onchange();
      this.list.setCount(all.length);
    }
  }

  /** @param {number} index @param {boolean} [extend] selects the rows up to it */
  activate(index, extend = false) {
    const { place, list } = this;
    const mark = (/** @type {boolean} */ on) =>
      list.rows.get(place.active)?.classList.toggle("active", on);
    mark(false);
    place.active = Math.max(0, Math.min(index, list.count - 1));
    list.scrollTo(place.active);
    mark(true);
    if (extend) {
      this.select(place.anchor, place.active);
    } else {
      place.anchor = place.active;
    }
  }

  /** @param {number} from @param {number} to */
  select(from, to) {
    const { rows, selected } = this.place;
    rows.all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((row) =>
      isKey(row) && selected.add(row.key));
    this.refresh();
  }

  /** @param {number} first @param {number} last */
  #shown(first, last) {
    const { place, list, options, element } = this;
    place.top = list.top;
    const id = list.rows.get(place.active)?.id;
    element.setAttribute("aria-activedescendant", id ?? "");
    for (const { key, level } of place.rows.all.slice(first, last + AHEAD)) {
      if (key === null && level.error === null && !level.isLoading) {
        place.rows.load(level, options.signal);
      }
    }
  }

  #countDown() {
    for (const [index, element] of this.list.rows) {
      const row = this.row(index);
      const cell = element.querySelector(".ttl");
      if (isKey(row) && cell) {
        cell.textContent = remaining(row);
        if (row.expires <= Date.now()) {
          row.expires = Infinity;
          this.options.onexpire(row.key);
        }
      }
    }
  }
}
