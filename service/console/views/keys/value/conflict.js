// Saves a text, unless somebody else has changed the value: then the user chooses.
import { lastChange } from "../../../api/keys.js";
import { hasCode } from "../../../api/problem.js";
import { t } from "../../../locale/index.js";
import { changedLines } from "../../../text/diff.js";
import { dateTime } from "../../../text/format.js";
import { format } from "../../../text/json-text.js";
import { openDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { Entry, readEntry } from "./entry.js";

/** Lines around a difference; lines of a column; characters of a line. */
const CONTEXT = 3;
const MOST_LINES = 500;
const MOST_LENGTH = 2000;

/** @typedef {"mine" | "theirs" | "undecided"} Choice */

/**
 * @param {Entry} base what the edit began with
 * @param {string} text
 * @returns {Promise<{entry: Entry | null, outcome: "saved" | Choice}>} `entry`: what the
 *   next save replaces
 */
export async function save(base, text) {
  for (let entry = base; ;) {
    try {
      return { entry: await entry.write(text), outcome: "saved" };
    } catch (error) {
      if (!hasCode(error, "condition_failed")) throw error;
    }
    const theirs = await readEntry(base.key);
    // an earlier attempt, whose reply was lost
    if (theirs?.text === text.trim()) return { entry: theirs, outcome: "saved" };
    const outcome = await choose(base, text, theirs);
    if (outcome === "theirs") return { entry: theirs, outcome };
    entry = theirs ?? new Entry(base.key, { text: "", revision: null, ttl: null });
    if (outcome === "undecided") return { entry, outcome };
  }
}

/** @param {Entry} base @param {string} mine @param {Entry | null} theirs */
async function choose(base, mine, theirs) {
  const texts = [base.text, mine, theirs?.text ?? ""];
  const areLines = texts.every((text) => !text.includes("\n"));
  const [before = "", own = "", other = ""] =
    areLines ? texts.map((text) => text && format(text)) : texts;
  const change = await lastChange(base.key).catch(() => null);
  const marked = new Set([...changedLines(own, before), ...changedLines(other, before)]);
  return new Promise((/** @type {(choice: Choice) => void} */ resolve) => {
    /** @param {string} label @param {Choice} choice */
    const option = (label, choice, names = "") => h("button", { type: "button", class: names,
      onclick: () => {
        resolve(choice);
        close();
      } }, label);
    const { close } = openDialog({ title: t("Conflict"), class: "wide",
      onclose: () => resolve("undecided"), body: [
        h("p", null, theirs
          ? t("Somebody else has changed this value. Lines that differ are marked with ±.")
          : t("Somebody else has deleted this key, or it has expired.")),
        h("div", { class: "versions" }, column(t("Before"), before, marked),
          column(t("Mine"), own, changedLines(before, own)),
          theirs && column(t("Theirs"), other, changedLines(before, other),
            [h("bdi", null, change?.by), " ", change && dateTime(change.at * 1000)])),
        h("div", { class: "actions" }, option(t("Continue editing"), "undecided"),
          option(theirs ? t("Take theirs") : t("Discard mine"), "theirs"), theirs
            ? option(t("Overwrite with mine"), "mine", "danger")
            : option(t("Create it again"), "mine", "primary"))] });
  });
}

/**
 * The lines of a version that differ, and those around them.
 * @param {string} title @param {string} text @param {Set<number>} marked
 * @param {import("../../../ui/dom.js").Child} [by]
 */
function column(title, text, marked, by) {
  const near = new Set([...marked].flatMap((line) =>
    Array.from({ length: 2 * CONTEXT + 1 }, (_, at) => line + at - CONTEXT)));
  /** @type {HTMLElement[]} */
  const rows = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (near.has(index + 1) && rows.length < MOST_LINES) {
      const tag = marked.has(index + 1) ? "mark" : "div";
      rows.push(h(tag, null, line.slice(0, MOST_LENGTH) || " "));
    } else if (rows.at(-1)?.className !== "muted") {
      rows.push(h("div", { class: "muted" }, "…"));
    }
  }
  return h("section", null, h("h3", null, title), h("p", { class: "hint" }, by),
    h("pre", { class: "value-text", tabindex: 0 }, rows));
}
