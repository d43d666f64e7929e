// The value pane: the value of one key, viewed or edited.
import { followChanges } from "../../../api/live.js";
import { isAbort } from "../../../api/problem.js";
import { t } from "../../../locale.js";
import { fill, h } from "../../../ui/dom.js";
import { loading } from "../../../ui/loading.js";
import { notify } from "../../../ui/notices.js";
import { editor } from "./editor.js";
import { readEntry } from "./entry.js";
import { facts, heading, trouble, warning } from "./head.js";
import { valueText } from "./text.js";
import { toolbar } from "./toolbar.js";

/** Milliseconds until a change is reported: the reply to an own write comes first. */
const DELAY = 500;

/**
 * `signal` is aborted when another value is shown.
 * @import {Entry} from "./entry.js"
 * @typedef {(key: string) => void} OfKey
 * @typedef {{key: string, signal: AbortSignal, onwritten: OfKey, onremoved: OfKey,
 *   onopen: OfKey, onclose: () => void}} Options
 */

/** @param {Options} options */
export function showValue(options) {
  const pane = new Pane(options);
  const { key, signal } = options;
  followChanges({ prefix: key, signal, onstate: () => {},
    onchange: ({ revision, data, deleted }) => {
      const isDeleted = deleted.includes(key);
      if (!isDeleted && !data.some(([it]) => it === key)) return;
      setTimeout(() => pane.report(revision, isDeleted), DELAY);
    } });
  pane.load();
  return pane.element;
}

export class Pane {
  entry = /** @type {Entry | null} */ (null);
  isEditing = false;
  /** The newest change that was reported. */
  newest = { revision: 0, isDeleted: false };
  #banner = h("div", { role: "status" });
  /** Ends with what is shown now. */
  #mode = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.element = h("section.value", { "aria-label": options.key, tabindex: -1 });
    options.signal.addEventListener("abort", () => this.#mode.abort());
  }

  load = async () => {
    const { key, signal } = this.options;
    if (!this.entry) fill(this.element, loading());
    try {
      this.entry = await readEntry(key, signal);
      this.show();
    } catch (error) {
      if (!isAbort(error)) fill(this.element, heading(this), trouble(this, error));
    }
  };

  /** Shows what is stored. The focus stays on a control with the same text. */
  show(isEditing = false) {
    const { element, entry } = this;
    const { activeElement } = document;
    const text = element.contains(activeElement) ? activeElement?.textContent : null;
    this.#mode.abort();
    const { signal } = (this.#mode = new AbortController());
    this.isEditing = isEditing;
    this.report();
    fill(element, heading(this), this.#banner, !entry ? trouble(this)
      : [facts(this, entry, signal), isEditing ? editor(this, entry, signal)
        : [toolbar(this, entry, signal), valueText(entry)]]);
    const found = isEditing ? element.querySelector("textarea") : text !== null
      && ([...element.querySelectorAll("button")].find((it) => it.textContent === text)
        ?? element);
    if (found) found.focus();
  }

  /** Says whether what is shown is out of date. */
  report(revision = 0, isDeleted = false) {
    if (revision > this.newest.revision) {
      this.newest = { revision, isDeleted };
      this.options.onwritten(this.options.key);
    }
    fill(this.#banner, warning(this));
  }

  /** Shows the result of a write. @param {Entry | null} entry */
  written(entry) {
    this.entry = entry;
    this.show();
    this.options.onwritten(this.options.key);
    notify(t("Saved", "Сохранено"));
  }
}
