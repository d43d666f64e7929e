// The state of the value pane: what is stored, and what other clients have changed.
import { hasCode, isAbort } from "../../../api/problem.js";
import { t } from "../../../locale/index.js";
import { describe } from "../../../text/problems.js";
import { fill, h } from "../../../ui/dom.js";
import { showLoading } from "../../../ui/loading.js";
import { notify } from "../../../ui/notices.js";
import { save } from "./conflict.js";
import { editor } from "./editor.js";
import { readEntry } from "./entry.js";
import { facts, heading, trouble, warning } from "./head.js";
import { valueText } from "./text.js";
import { toolbar } from "./toolbar.js";

/**
 * @import {Entry} from "./entry.js"
 * @typedef {(key: string) => void} OfKey
 * @typedef {{key: string, signal: AbortSignal, onwritten: OfKey, onremoved: OfKey,
 *   onopen: OfKey, onclose: () => void}} Options
 */

export class Pane {
  entry = /** @type {Entry | null} */ (null);
  isEditing = false;
  /** The newest change that was reported. */
  newest = { revision: 0, isDeleted: false };
  #banner = h("div", { role: "status" });
  /** Calls in flight, whose own changes are not reported. */
  #calls = 0;
  /** Ends with what is shown now. */
  #mode = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    const props = { class: "value", "aria-label": options.key, tabindex: -1 };
    this.element = h("section", props);
    options.signal.addEventListener("abort", () => this.#mode.abort());
  }

  async load() {
    const { key, signal } = this.options;
    if (!this.entry) showLoading(this.element);
    try {
      this.entry = await this.#call(readEntry(key, signal));
      this.show();
    } catch (error) {
      if (!isAbort(error)) fill(this.element, heading(this), trouble(this, error));
    }
  }

  /** Shows what is stored. The focus stays on a control with the same text. */
  show(isEditing = false) {
    const { element, entry } = this;
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#mode.abort();
    const { signal } = (this.#mode = new AbortController());
    this.isEditing = isEditing;
    fill(element, heading(this), this.#banner, !entry ? trouble(this)
      : [facts(this, entry, signal), isEditing ? editor(this, signal)
        : [toolbar(this, entry, signal), valueText(entry)]]);
    this.report();
    if (isEditing) element.querySelector("textarea")?.focus();
    else if (focused) {
      const all = [...element.querySelectorAll("button")];
      (all.find((it) => it.textContent === focused.textContent) ?? element).focus();
    }
  }

  /** Says whether what is shown is out of date. */
  report(revision = 0, isDeleted = false) {
    if (revision > this.newest.revision) this.newest = { revision, isDeleted };
    fill(this.#banner, this.#calls === 0 && warning(this));
  }

  /** Saves a text. If the user does not decide a conflict, editing goes on.
   * @param {string} text */
  async save(text) {
    const base = /** @type {Entry} */ (this.entry);
    const { entry, outcome } = await this.#call(save(base, text));
    this.entry = entry;
    if (outcome !== "undecided") this.show();
    if (outcome === "saved") this.#written();
  }

  /** Makes a change, and shows its result. @param {() => Promise<Entry | null>} change */
  async apply(change) {
    this.entry = await this.#call(change());
    this.show();
    this.#written();
  }

  #written() {
    notify(t("Saved"), { kind: "success" });
    this.options.onwritten(this.options.key);
  }

  /** @param {unknown} error of a change */
  fail(error) {
    const action = hasCode(error, "condition_failed")
      ? { label: t("Show"), run: () => this.load() } : undefined;
    if (!isAbort(error)) notify(describe(error), { kind: "error", action });
  }

  /** @template T @param {Promise<T>} call */
  async #call(call) {
    this.#calls++;
    try {
      return await call;
    } finally {
      this.#calls--;
    }
  }
}
