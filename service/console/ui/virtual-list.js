// A list of a million rows with a few dozen elements: only rows in view exist.

/** Browsers limit the height of an element, Firefox to 17.8 million. Pixels. */
const MAX_HEIGHT = 16_000_000;
/** Rows above and below the view. */
const OVERSCAN = 12;

/**
 * @typedef {{rowHeight: number, inset?: number, signal?: AbortSignal,
 *   renderRow: (index: number) => HTMLElement,
 *   onshow: (first: number, last: number) => void}} Options
 * `inset` is the height of a sticky head. `onshow` gets the range of rows that exist
 * now: time to load more.
 */

/**
 * A scrolling element whose rows have one height. If the list is higher than an element
 * can be, its scroll bar has a scale, but small steps still move it by pixels.
 */
export class VirtualList {
  /** @type {Map<number, HTMLElement>} */
  rows = new Map();
  count = 0;
  /** Pixels of the list above the view. */
  top = 0;
  #scrollTop = 0;
  #shift = 0;

  /** @param {HTMLElement} viewport scrolls  @param {Options} options */
  constructor(viewport, options) {
    this.viewport = viewport;
    this.options = options;
    this.canvas = document.createElement("div");
    this.canvas.className = "virtual-canvas";
    this.canvas.setAttribute("role", "presentation");
    viewport.append(this.canvas);
    const { signal } = options;
    const settle = () => this.moveTo(this.top);
    const observer = new ResizeObserver(settle);
    observer.observe(viewport);
    signal?.addEventListener("abort", () => observer.disconnect());
    viewport.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    viewport.addEventListener("scrollend", settle, { signal });
  }

  /** `scale`: pixels of the list for each pixel of the scroll bar. */
  get #sizes() {
    const height = this.count * this.options.rowHeight;
    const view = this.viewport.clientHeight - (this.options.inset ?? 0);
    const most = Math.max(0, height - view);
    const bar = Math.min(height, MAX_HEIGHT) - view;
    return { height, view, most, scale: bar > 0 ? Math.max(1, most / bar) : 1 };
  }

  /** Sets the number of rows, and draws those in view anew. @param {number} count */
  setCount(count) {
    this.count = count;
    this.canvas.style.height = `${Math.min(this.#sizes.height, MAX_HEIGHT)}px`;
    this.rows.clear();
    this.canvas.replaceChildren();
    this.#scrolled();
  }

  /** Scrolls as little as needed to show a row. @param {number} index */
  scrollTo(index) {
    const { rowHeight } = this.options;
    const wanted = index * rowHeight;
    const lowest = wanted + rowHeight - this.#sizes.view;
    this.moveTo(Math.max(lowest, Math.min(wanted, this.top)));
  }

  /** @param {number} top pixels of the list above the view */
  moveTo(top) {
    const { most, scale } = this.#sizes;
    this.top = Math.max(0, Math.min(top, most));
    this.viewport.scrollTop = this.top / scale;
    this.#scrollTop = this.viewport.scrollTop;
    this.#show();
  }

  #scrolled() {
    const { most, scale, view } = this.#sizes;
    if (view <= 0) {
      return; // hidden: its place is kept
    }
    const { scrollTop } = this.viewport;
    const step = scrollTop - this.#scrollTop;
    const isSmall = scale > 1 && Math.abs(step) < 2 * view;
    this.top = Math.max(0, Math.min(isSmall ? this.top + step : scrollTop * scale, most));
    this.#scrollTop = scrollTop;
    this.#show();
  }

  #show() {
    const { rowHeight, renderRow, onshow } = this.options;
    const first = Math.max(0, Math.floor(this.top / rowHeight) - OVERSCAN);
    const bottom = Math.ceil((this.top + this.#sizes.view) / rowHeight);
    const last = Math.min(this.count, bottom + OVERSCAN);
    const shift = this.#scrollTop - this.top;
    for (const [index, row] of this.rows) {
      if (index < first || index >= last || shift !== this.#shift) {
        row.remove();
        this.rows.delete(index);
      }
    }
    this.#shift = shift;
    for (let index = last - 1, next = null; index >= first; index -= 1) {
      const row = this.rows.get(index) ?? renderRow(index);
      if (!this.rows.has(index)) {
        row.style.transform = `translateY(${index * rowHeight + shift}px)`;
        this.rows.set(index, row);
        this.canvas.insertBefore(row, next);
      }
      next = row;
    }
    onshow(first, last);
  }
}
