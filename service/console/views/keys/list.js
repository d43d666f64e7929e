// The list's grid, what it says about itself, and what it deletes.
import { hasCode } from "../../api/problem.js";
import { t, tn } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";
import { forbidden, nothing, statusText } from "./empty.js";
import { Grid, ROW } from "./grid.js";
import { drop, reload, reread } from "./reload.js";
import { removeKeys, removePrefix } from "./remove.js";
import { isKey, isPrefix } from "./rows.js";

/**
 * @typedef {{signal: AbortSignal, onopen: (key: string) => void, onnew: () => void,
 *   onclose: () => void}} Options
 */

export class List {
  /** @param {import("./place.js").Place} place @param {Options} options */
  constructor(place, options) {
    this.place = place;
    this.options = options;
    this.empty = h("div", { class: "empty" });
    this.status = h("p", { role: "status" });
    this.buttons = h("div", { class: "toolbar end" });
    this.grid = new Grid(place, { ...options, onchange: () => this.#changed(),
      onexpire: (key) => this.reread(key),
      ondelete: (row) => isPrefix(row) ? this.#removePrefix(row.key)
        : this.#remove(place.selected.size > 0 || !isKey(row) ? place.selected : [row.key]) });
    this.elements = [this.grid.element, this.empty,
      h("div", { class: "toolbar foot" }, this.status, this.buttons)];
  }

  /** Loads the list again. The place in it stays. */
  async refresh() {
    const { place, grid, options: { signal } } = this;
    const key = place.rows.all[place.active]?.key;
    const until = () => (place.top + grid.element.clientHeight) / ROW;
    await this.#report(reload(place.rows, until, signal));
    const at = place.rows.all.findIndex((row) => row.key === key);
    place.active = at === -1 ? place.active : at;
    grid.refresh();
  }

  /** After a key was written or deleted. @param {string} key */
  async reread(key) {
    const { place, options } = this;
    if (await this.#report(reread(place.rows, key, options.signal)) === false) {
      await this.refresh();
    }
  }

  /** @template T @param {Promise<T>} call @returns {Promise<T | undefined>} */
  async #report(call) {
    try {
      return await call;
    } catch (error) {
      if (!this.options.signal.aborted) {
        notify(describe(error), { kind: "error" });
      }
    }
    return undefined;
  }

  #changed() {
    const { place, grid, empty, options } = this;
    const { all, root } = place.rows;
    const isEmpty = all.length === 0 || hasCode(root.error, "forbidden");
    grid.element.hidden = isEmpty;
    empty.hidden = !isEmpty;
    fill(empty, isEmpty && (root.error ? forbidden(place) : nothing(place, options.onnew)));
    this.status.textContent = statusText(place);
    const n = place.selected.size;
    const state = String([isEmpty, n]);
    if (this.buttons.dataset.state !== state) { // or else the focus stays
      this.buttons.dataset.state = state;
      fill(this.buttons, n > 0 ? this.#selection(n) : !isEmpty && h("button",
        { type: "button", class: "link", onclick: () => this.#removePrefix(place.prefix) },
        t("Delete all keys with this prefix…")));
    }
  }

  /** @param {number} n */
  #selection(n) {
    const { selected } = this.place;
    const clear = () => {
      selected.clear();
      this.grid.refresh();
      this.grid.element.focus();
    };
    return [h("button", { type: "button", onclick: clear }, t("Clear the selection")),
      h("button", { type: "button", class: "danger", onclick: () => this.#remove(selected) },
        tn("Delete {n} key", "Delete {n} keys", n))];
  }

  /** @param {Iterable<string>} keys */
  async #remove(keys) {
    const { place, grid, options } = this;
    const gone = await removeKeys([...keys]);
    gone.forEach((key) => place.selected.delete(key));
    if (place.key !== null && gone.has(place.key)) {
      options.onclose();
    }
    if (place.isTree && gone.size > 0) {
      return this.refresh();
    }
    drop(place.rows, gone);
    grid.refresh();
  }

  /** @param {string} prefix */
  async #removePrefix(prefix) {
    if (await removePrefix(prefix)) {
      this.place.selected.clear();
      await this.refresh();
    }
  }
}
