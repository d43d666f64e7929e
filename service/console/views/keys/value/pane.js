// The state of the value pane: what is stored, whether it is edited, who has changed it.
import { hasCode, isAbort } from "../../../api/problem.js";
import { t } from "../../../locale/index.js";
import { describe } from "../../../text/problems.js";
import { fill, h } from "../../../ui/dom.js";
import { showLoading } from "../../../ui/loading.js";
import { notify } from "../../../ui/notices.js";
import { save } from "./conflict.js";
import { editor } from "./editor.js";
import { readEntry } from "./entry.js";
import { facts, heading } from "./header.js";
import { failed, missing, warning } from "./states.js";
import { toolbar } from "./toolbar.js";
import { valueText } from "./value-text.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {{key: string, signal: AbortSignal, onwritten: (key: string) => void,
 *   onremoved: (key: string) => void, onopen: (key: string) => void,
 *   onclose: () => void}} Options
 */

export class Pane {
  /** @type {Entry | null} */
  entry = null;
  isEditing = false;
  /** The newest change of the key that the service has reported. */
  reported = { revision: 0, isDeleted: false };
  #banner = h("div", { role: "status" });
  /** Calls in flight, whose own changes are not reported. */
  #calls = 0;
  /** Ends with what is shown now. */
  #mode = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.element = h("section", { class: "value", "aria-label": options.key, tabindex: "-1" });
    options.signal.addEventListener("abort", () => this.#mode.abort());
  }

  /** Reads the value, and shows it. */
  async load() {
    const { key, signal } = this.options;
    if (this.entry === null) showLoading(this.element);
    try {
      this.entry = await this.#call(() => readEntry(key, signal));
      this.show();
    } catch (error) {
      if (!isAbort(error)) fill(this.element, heading(this), failed(this, error));
    }
  }

  /** Shows the value, or that there is none. The focus stays on the same control. */
  show(isEditing = false) {
    const { element, entry } = this;
    const focused = element.contains(document.activeElement)
      && (document.activeElement?.textContent ?? "");
    this.#mode.abort();
    this.#mode = new AbortController();
    const { signal } = this.#mode;
    this.isEditing = isEditing;
    fill(element, heading(this), entry && facts(this, entry, signal), this.#banner,
      entry === null ? missing(this)
        : isEditing ? editor(this, signal) : [toolbar(this, entry, signal), valueText(entry)]);
    this.mark();
    if (isEditing) element.querySelector("textarea")?.focus();
    else if (focused !== false) {
      const controls = [...element.querySelectorAll("button")];
      (controls.find((it) => it.textContent === focused) ?? element).focus();
    }
  }

  /** @param {number} revision @param {boolean} isDeleted */
  report(revision, isDeleted) {
    if (revision > this.reported.revision) this.reported = { revision, isDeleted };
    this.mark();
  }

  /** Says whether what is shown is out of date. */
  mark() {
    fill(this.#banner, this.#calls === 0 && warning(this));
  }

  /** Saves a text. If a conflict is not decided, editing goes on. @param {string} text */
  async save(text) {
    const base = /** @type {Entry} */ (this.entry);
    const { entry, outcome } = await this.#call(() => save(base, text));
    this.entry = entry;
    if (outcome === "saved") this.#written(t("Saved"));
    if (outcome !== "undecided") this.show();
    this.mark();
  }

  /**
   * Makes a change, and shows its result.
   * @param {() => Promise<Entry | null>} change
   * @param {string} [message]
   */
  async apply(change, message) {
    this.entry = await this.#call(change);
    this.#written(message);
    this.show();
  }

  /** Reports the error of a change. @param {unknown} error */
  fail(error) {
    const isOld = hasCode(error, "condition_failed");
    const action = isOld ? { label: t("Show"), run: () => this.load() } : undefined;
    if (!isAbort(error)) notify(describe(error), { kind: "error", action });
  }

  /** @param {string} [message] */
  #written(message) {
    this.options.onwritten(this.options.key);
    if (message) notify(message, { kind: "success" });
  }

  /** @template T @param {() => Promise<T>} run @returns {Promise<T>} */
  async #call(run) {
    this.#calls++;
    try {
      return await run();
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.mark();
    }
  }
}
