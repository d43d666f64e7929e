// A list of a million rows with a few dozen elements: only rows in view exist.

/** Browsers limit the height of an element, Firefox to 17.8 million. Pixels. */
const MAX_HEIGHT = 16_000_000;
/** Rows above and below the view. */
const OVERSCAN = 12;

/**
 * @typedef {{rowHeight: number, inset?: number, signal?: AbortSignal,
 *   renderRow: (index: number) => HTMLElement,
 *   onshow: (first: number, last: number) => void}} Options
 * `inset` is the height of a sticky head in the viewport. `onshow` is called with the
 * range of rows that exist now: time to load more.
 */

/**
 * A scrolling element whose rows have one height. A list that is higher than an element
 * can be has a scroll bar with a scale; small steps still move it pixel by pixel.
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
    const observer = new ResizeObserver(() => this.moveTo(this.top));
    observer.observe(viewport);
    signal?.addEventListener("abort", () => observer.disconnect());
    viewport.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    viewport.addEventListener("scrollend", () => this.moveTo(this.top), { signal });
  }

  get #height() {
    return this.count * this.options.rowHeight;
  }

  /** The height of the view without its head. */
  get #view() {
    return this.viewport.clientHeight - (this.options.inset ?? 0);
  }

  /** Pixels of the list for each pixel of the scroll bar. */
  get #scale() {
    const scrolled = Math.min(this.#height, MAX_HEIGHT) - this.#view;
    return scrolled > 0 ? Math.max(1, (this.#height - this.#view) / scrolled) : 1;
  }

  /** Sets the number of rows, and draws those in view anew. @param {number} count */
  setCount(count) {
    this.count = count;
    this.canvas.style.height = `${Math.min(this.#height, MAX_HEIGHT)}px`;
    this.rows.clear();
    this.canvas.replaceChildren();
    this.#scrolled();
  }

  /** Scrolls as little as needed to show a row. @param {number} index */
  scrollTo(index) {
    const wanted = index * this.options.rowHeight;
    const lowest = wanted + this.options.rowHeight - this.#view;
    if (wanted < this.top || lowest > this.top) {
      this.moveTo(wanted < this.top ? wanted : lowest);
    }
  }

  /** @param {number} top pixels of the list above the view */
  moveTo(top) {
    this.top = Math.max(0, Math.min(top, this.#height - this.#view));
    this.viewport.scrollTop = this.top / this.#scale;
    this.#scrollTop = this.viewport.scrollTop;
    this.show();
  }

  #scrolled() {
    const { scrollTop, clientHeight } = this.viewport;
    if (clientHeight === 0) {
      return; // hidden: its place is kept
    }
    const scale = this.#scale;
    const step = scrollTop - this.#scrollTop;
    const isSmall = scale > 1 && Math.abs(step) < 2 * this.#view;
    const top = isSmall ? this.top + step : scrollTop * scale;
    this.top = Math.max(0, Math.min(top, this.#height - this.#view));
    this.#scrollTop = scrollTop;
    this.show();
  }

  /** Draws the rows that come into view, and removes the others. */
  show() {
    const { rowHeight, renderRow, onshow } = this.options;
    const first = Math.max(0, Math.floor(this.top / rowHeight) - OVERSCAN);
    const bottom = Math.ceil((this.top + this.#view) / rowHeight);
    const last = Math.min(this.count, bottom + OVERSCAN);
    const shift = this.#scrollTop - this.top;
    for (const [index, row] of this.rows) {
      if (index < first || index >= last) {
        row.remove();
        this.rows.delete(index);
      }
    }
    let next = null;
    for (let index = last - 1; index >= first; index -= 1) {
      const row = this.rows.get(index) ?? renderRow(index);
      if (!row.isConnected || shift !== this.#shift) {
        row.style.transform = `translateY(${index * rowHeight + shift}px)`;
      }
      if (!this.rows.has(index)) {
        this.rows.set(index, row);
        this.canvas.insertBefore(row, next);
      }
      next = row;
    }
    this.#shift = shift;
    onshow(first, last);
  }
}
