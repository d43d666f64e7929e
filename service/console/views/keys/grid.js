// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { VirtualList } from "../../ui/virtual-list.js";
import { headElement, remaining, rowElement } from "./row.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { isKey } from "./rows.js";

/** Pixels, as in keys.css. */
const ROW = 32;
/** Rows before the end of what is loaded at which more is loaded. */
const AHEAD = 300;

/**
 * @typedef {{signal: AbortSignal, onopen: (key: string) => void, onchange: () => void,
 *   ondelete: (row: import("./rows.js").Row) => void,
 *   onexpire: (key: string) => void}} Options
 */

export class Grid {
  /** @param {import("./place.js").Place} place @param {Options} options */
  constructor(place, options) {
    this.place = place;
    this.options = options;
    this.head = headElement();
    this.element = h("div", { class: "key-grid", role: place.isTree ? "treegrid" : "grid",
      tabindex: 0, "aria-label": t("Keys"), "aria-multiselectable": "true" }, this.head);
    this.list = new VirtualList(this.element, { rowHeight: ROW, inset: ROW,
      signal: options.signal, onshow: (first, last) => this.#shown(first, last),
      renderRow: (index) => rowElement(this.row(index), index, place) });
    place.rows.onchange = (at, n) => {
      if (at < place.active) {
        place.active = Math.max(at - 1, place.active + n);
      }
      this.refresh();
    };
    listenToKeys(this);
    listenToPointer(this);
    const timer = setInterval(() => this.#count(), 1000);
    options.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** @param {number} index */
  row(index) {
    return /** @type {import("./rows.js").Row} */ (this.place.rows.all[index]);
  }

  /** Draws the rows anew. */
  refresh() {
    const { all, root } = this.place.rows;
    if (this.options.signal.aborted) {
      return; // the rows outlive the grid
    }
    this.element.setAttribute("aria-rowcount", String(root.hasMore ? -1 : all.length + 1));
    this.place.active = Math.max(0, Math.min(this.place.active, all.length - 1));
    this.list.setCount(all.length);
    this.options.onchange();
  }

  /** Shows where the user was. */
  restore() {
    const { top } = this.place;
    this.list.setCount(this.place.rows.all.length);
    this.list.moveTo(top);
  }

  /** @param {number} index @param {boolean} [extend] selects the rows up to it */
  activate(index, extend = false) {
    const { place, list } = this;
    const to = Math.max(0, Math.min(index, list.count - 1));
    if (extend) {
      this.select(place.anchor, to);
    } else {
      place.anchor = to;
    }
    list.rows.get(place.active)?.classList.remove("active");
    place.active = to;
    list.scrollTo(to);
    list.rows.get(to)?.classList.add("active");
    this.#point();
  }

  /** @param {number} from @param {number} to */
  select(from, to) {
    for (const row of this.place.rows.all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      if (isKey(row)) {
        this.place.selected.add(row.key);
      }
    }
    this.refresh();
  }

  /** @param {number} first @param {number} last */
  #shown(first, last) {
    const { rows } = this.place;
    this.place.top = this.list.top;
    for (const { key, level } of rows.all.slice(first, last + AHEAD)) {
      if (key === null && level.error === null) {
        rows.load(level, this.options.signal);
      }
    }
    this.#point();
  }

  #point() {
    const row = this.list.rows.get(this.place.active);
    this.element.setAttribute("aria-activedescendant", row?.id ?? "");
  }

  /** Counts the remaining time of the rows in view down. */
  #count() {
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
