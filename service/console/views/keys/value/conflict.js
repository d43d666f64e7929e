// Saves on the condition that nobody else has changed the value, else shows what differs.
import { lastChange } from "../../../api/keys.js";
import { hasCode } from "../../../api/problem.js";
import { t } from "../../../locale/index.js";
import { changedLines } from "../../../text/diff.js";
import { dateTime } from "../../../text/format.js";
import { format } from "../../../text/json-text.js";
import { openDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { Entry, readEntry } from "./entry.js";

/** Lines around a difference, and lines of a column. */
const CONTEXT = 2;
const MOST_LINES = 500;
/** Characters of a line. */
const MOST_LENGTH = 2000;

/** @typedef {"mine" | "theirs" | "undecided"} Choice */

/**
 * @param {Entry} base what was shown when the edit began
 * @param {string} text
 * @returns {Promise<{entry: Entry | null, outcome: "saved" | "theirs" | "undecided"}>}
 *   `entry` is what is stored; revision null: nothing, and it is to be created
 */
export async function save(base, text) {
  for (let before = base; ;) {
    try {
      return { entry: await before.write(text), outcome: "saved" };
    } catch (error) {
      if (!hasCode(error, "condition_failed")) throw error;
    }
    const theirs = await readEntry(base.key);
    // a save before it whose reply was lost
    if (theirs?.text === text.trim()) return { entry: theirs, outcome: "saved" };
    const choice = await choose(base, text, theirs);
    before = theirs ?? new Entry(base.key, { text: "", revision: null, ttl: null });
    if (choice !== "mine") {
      return { entry: choice === "theirs" ? theirs : before, outcome: choice };
    }
  }
}

/** @param {Entry} base @param {string} mine @param {Entry | null} theirs
 * @returns {Promise<Choice>} */
async function choose(base, mine, theirs) {
  const all = [base.text, mine, theirs?.text ?? ""];
  const [before, own, other] = all.some((text) => text.includes("\n")) ? all
    : all.map((text) => text && format(text));
  const change = await lastChange(base.key).catch(() => null);
  const at = change && h("time", null, dateTime(change.at * 1000));
  const marked = changedLines(own, before).union(changedLines(other, before));
  return new Promise((resolve) => {
    /** @type {Choice} */
    let choice = "undecided";
    const option = (/** @type {string} */ label, /** @type {Choice} */ value, names = "") =>
      h("button", { type: "button", class: names, onclick: () => {
        choice = value;
        close();
      } }, label);
    const body = [h("p", null, theirs
      ? t("Somebody else has changed this value. Lines that differ are marked with ±.")
      : t("Somebody else has deleted this key, or it has expired.")),
    h("div", { class: "versions" },
      column(t("Before"), [], before, marked),
      column(t("Mine"), [], own, changedLines(before, own)),
      theirs && column(t("Theirs"), [change?.by && h("bdi", null, change.by), " ", at],
        other, changedLines(before, other))),
    h("div", { class: "actions" }, option(t("Continue editing"), "undecided"),
      option(theirs ? t("Take theirs") : t("Discard mine"), "theirs"),
      theirs ? option(t("Overwrite with mine"), "mine", "danger")
        : option(t("Create it again"), "mine", "primary"))];
    const { close } = openDialog({ title: t("Conflict"), class: "wide", body,
      onclose: () => resolve(choice) });
  });
}

/** The lines of a version that differ, with those around them.
 * @param {string} title @param {import("../../../ui/dom.js").Child} by
 * @param {string} text @param {Set<number>} marked */
function column(title, by, text, marked) {
  /** @type {HTMLElement[]} */
  const rows = [];
  let skipped = false;
  for (const [index, line] of text.split("\n").entries()) {
    const near = Array.from({ length: 2 * CONTEXT + 1 }, (_, at) => index + 1 + at - CONTEXT);
    if (rows.length > MOST_LINES || !near.some((number) => marked.has(number))) {
      if (!skipped) rows.push(h("div", { class: "muted" }, "…"));
      skipped = true;
      continue;
    }
    skipped = false;
    rows.push(h(marked.has(index + 1) ? "mark" : "div", null, line.slice(0, MOST_LENGTH) || " "));
  }
  return h("section", null, h("h3", null, title), h("p", { class: "hint" }, by),
    h("pre", { class: "value-text", tabindex: "0" }, rows));
}
