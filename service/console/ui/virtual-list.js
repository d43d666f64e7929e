// A list of a million rows with a few dozen elements: only rows in view exist.

/** Browsers limit the height of an element; beyond this the list is scaled. Pixels. */
const MAX_HEIGHT = 8_000_000;
/** Rows above and below the view. */
const OVERSCAN = 12;

/**
 * @typedef {{
 *   rowHeight: number,
 *   renderRow: (index: number) => HTMLElement,
 *   onEnd: () => void,
 * }} Options `onEnd` is called when the last row comes near: time to load more
 */

/** A scrolling element whose rows have one height. */
export class VirtualList {
  /** @param {HTMLElement} viewport scrolls  @param {Options} options */
  constructor(viewport, options) {
    this.viewport = viewport;
    this.options = options;
    this.count = 0;
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.canvas = document.createElement("div");
    this.canvas.className = "virtual-canvas";
    this.canvas.setAttribute("role", "presentation");
    viewport.append(this.canvas);
    viewport.addEventListener("scroll", () => this.#show(), { passive: true });
    new ResizeObserver(() => this.#show()).observe(viewport);
  }

  get #height() {
    return this.count * this.options.rowHeight;
  }

  /** Pixels of the list for each pixel of the scroll bar. */
  get #scale() {
    const { clientHeight } = this.viewport;
    const scrolled = Math.min(this.#height, MAX_HEIGHT) - clientHeight;
    return scrolled > 0 ? Math.max(1, (this.#height - clientHeight) / scrolled) : 1;
  }

  /** Sets the number of rows. @param {number} count */
  setCount(count) {
    this.count = count;
    this.canvas.style.height = `${Math.min(this.#height, MAX_HEIGHT)}px`;
    this.#show();
  }

  /** Draws all rows in view anew. */
  redraw() {
    this.canvas.replaceChildren();
    this.rows.clear();
    this.#show();
  }

  /** Scrolls as little as needed to show a row. @param {number} index */
  scrollTo(index) {
    const { rowHeight } = this.options;
    const top = this.viewport.scrollTop * this.#scale;
    const bottom = top + this.viewport.clientHeight - rowHeight;
    const wanted = index * rowHeight;
    if (wanted < top || wanted > bottom) {
      const to = wanted < top ? wanted : wanted - bottom + top;
      this.viewport.scrollTop = to / this.#scale;
      this.#show();
    }
  }

  #show() {
    const { rowHeight, renderRow, onEnd } = this.options;
    const { clientHeight, scrollTop } = this.viewport;
    const top = scrollTop * this.#scale;
    const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const bottom = Math.ceil((top + clientHeight) / rowHeight);
    const last = Math.min(this.count, bottom + OVERSCAN);
    for (const [index, row] of this.rows) {
      if (index < first || index >= last) {
        row.remove();
        this.rows.delete(index);
      }
    }
    const shift = scrollTop - top;
    for (let index = first; index < last; index += 1) {
      const row = this.rows.get(index) ?? renderRow(index);
      row.style.transform = `translateY(${index * rowHeight + shift}px)`;
      if (!row.isConnected) {
        this.rows.set(index, row);
        this.canvas.append(row);
      }
    }
    if (last >= this.count - OVERSCAN) {
      onEnd();
    }
  }
}
