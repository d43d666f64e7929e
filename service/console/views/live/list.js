// The list of live changes: the newest first, bounded, filtered by a text in the key.
import { keyHref } from "../../app/router.js";
import { t, tn } from "../../locale/index.js";
import { time } from "../../text/format.js";
import { announce } from "../../ui/notices.js";
import { fill, h } from "../../ui/dom.js";

/** The rows that are kept, and those of them that are in the page. */
export const KEPT = 2000;
const SHOWN = 200;
/** The characters of a value that a row has. */
const PREVIEW = 200;
/** Milliseconds between two announcements. */
const QUIET = 3000;

/**
 * The change of a key; `text` null: deleted.
 * @typedef {{at: number, revision: number, key: string, text: string | null}} Row
 */

/** @param {import("../../api/live.js").Change} change @returns {Row[]} */
export function rowsOf({ revision, data, deleted }) {
  const at = Date.now() / 1000;
  const written = data.map(([key, text]) => ({ at, revision, key,
    text: text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text }));
  return [...written, ...deleted.map((key) => ({ at, revision, key, text: null }))];
}

export class ChangeList {
  filter = "";
  /** The newest last. @type {Row[]} */
  #rows = [];
  #list = h("ol", { class: "changes", role: "list", "aria-label": t("Changes") });
  #note = h("p", { class: "loading" });
  #unannounced = 0;
  element = h("div", { class: "card" }, this.#list, this.#note);

  constructor() {
    this.redraw();
  }

  /** @param {Row[]} rows */
  add(rows) {
    this.#rows = this.#rows.concat(rows).slice(-KEPT);
    this.#show(rows);
    if (this.#unannounced === 0) setTimeout(() => this.#announce(), QUIET);
    this.#unannounced += rows.length;
  }

  clear() {
    this.#rows = [];
    this.redraw();
  }

  redraw() {
    fill(this.#list);
    this.#show(this.#rows);
  }

  #announce() {
    if (this.#list.isConnected) announce(tn("{n} change", "{n} changes", this.#unannounced));
    this.#unannounced = 0;
  }

  /** @param {Row[]} rows */
  #show(rows) {
    const found = rows.filter(({ key }) => key.includes(this.filter)).slice(-SHOWN);
    this.#list.prepend(...found.reverse().map(element));
    while (this.#list.childElementCount > SHOWN) this.#list.lastElementChild?.remove();
    const { childElementCount } = this.#list;
    fill(this.#note, childElementCount === SHOWN && t("Older changes are not shown."),
      childElementCount === 0 && (this.#rows.length > 0 ? t("No change matches the filter.")
        : t("No changes yet. They appear here as they are made.")));
  }
}

/** @param {Row} row */
function element({ at, revision, key, text }) {
  const isDeleted = text === null;
  return h("li", null,
    h("time", { datetime: new Date(at * 1000).toISOString() }, time(at)),
    h("span", { class: "number muted", title: t("Revision") }, revision),
    h("a", { class: "mono", href: keyHref(key) }, h("bdi", null, key)),
    h("span", { class: isDeleted ? "badge bad" : "badge good" },
      isDeleted ? t("deleted") : t("written")),
    h("code", { class: "muted" }, text));
}
