// The history of a key: #/history/<key>
import { historyOf } from "../../api/history.js";
import { readKey } from "../../api/keys.js";
import { hasCode, isAbort } from "../../api/problem.js";
import { keyHref } from "../../app/router.js";
import { t } from "../../locale/index.js";
import { dateTime, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";
import { detailsOf } from "./details.js";

/** @typedef {import("../../api/history.js").Entry} Entry */

/** @param {import("../../app/router.js").Context} context */
export async function historyView({ path, signal }) {
  const key = decodeURIComponent(path);
  /** @type {Entry[]} */
  let changes = [];
  /** @type {number | null} */
  let next = null;
  const list = h("ol", { role: "list", "aria-label": t("Changes") });
  const end = h("div", { class: "hint" });
  const details = h("section", { class: "card", "aria-label": t("Selected change") });

  /** Loads a page, or several until there is a change. */
  const load = async () => {
    let oldest;
    do {
      const page = await historyOf(key, next, signal);
      ({ next, oldest } = page);
      changes = changes.concat(page.changes);
      list.append(...page.changes.map((change) => rowOf(change, () => select(change))));
    } while (next !== null && changes.length === 0);
    const older = h("button", { type: "button", onclick: () => attempt(older, load) },
      t("Load older"));
    fill(end, changes.some(({ by, expired }) => by === null && !expired)
      && h("p", null, t("Only administrators see the names of other accounts.")),
    next === null ? h("p", null, t("The change log begins at revision {n}.", { n: oldest }))
      : older);
  };
  /** The text before a change. @param {Entry} change */
  const before = async (change) => {
    const at = changes.indexOf(change) + 1;
    if (at === changes.length && next !== null) await load();
    return changes[at]?.text ?? null;
  };
  /** @param {Entry} change */
  const select = (change) => {
    [...list.children].forEach((row, at) => row.firstElementChild?.setAttribute(
      "aria-current", String(changes[at] === change)));
    fill(details, detailsOf({ key, change, before, attempt, current, reload }));
  };
  const reload = async () => {
    [changes, next] = [[], null];
    fill(list);
    current = await readKey(key, signal);
    await load();
    if (changes[0]) select(changes[0]);
    else fill(details, h("p", { class: "loading" }, t("This key has no changes in the log.")));
  };
  let current = await readKey(key, signal);
  const title = [h("h1", null, t("History")),
    h("a", { class: "mono", href: keyHref(key) }, h("bdi", null, key))];
  try {
    await reload();
  } catch (problem) {
    if (!hasCode(problem, "not_found")) throw problem;
    return { element: h("div", { class: "view" }, title,
      h("p", { class: "banner" }, t("The change log is disabled."))) };
  }
  return { element: h("div", { class: "view" }, title,
    h("div", { class: "history" }, h("div", null, list, end), details)) };
}

/** @param {HTMLButtonElement} button @param {() => Promise<void>} run */
async function attempt(button, run) {
  button.disabled = true;
  try {
    await run();
  } catch (problem) {
    if (!isAbort(problem)) notify(describe(problem), { kind: "error" });
  } finally {
    button.disabled = false;
  }
}

/** @param {Entry} change @param {() => void} onclick */
function rowOf({ revision, at, by, text, expired }, onclick) {
  const [names, what] = expired ? ["warn", t("expired")]
    : text === null ? ["bad", t("deleted")] : ["good", t("written")];
  return h("li", null, h("button", { type: "button", onclick },
    h("time", null, at === null ? "—" : dateTime(at)),
    h("span", { class: `badge ${names}` }, what),
    h("span", { class: "muted" }, t("Revision {n}", { n: revision })),
    h("bdi", { class: "muted" }, by ?? (expired ? "" : t("another account"))),
    text !== null && h("span", { class: "muted" }, size(new Blob([text]).size))));
}
