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

  const load = async () => {
    const page = await historyOf(key, next, signal);
    next = page.next;
    changes = changes.concat(page.changes);
    list.append(...page.changes.map((change) => rowOf(change, () => select(change))));
    const button = h("button", { type: "button", onclick: () => attempt(button, load) },
      t("Load older"));
    fill(end, changes.some(({ by, expired }) => by === null && !expired)
      && h("p", null, t("Only administrators see the names of other accounts.")),
    next === null ? t("The change log begins at revision {n}.", { n: page.oldest }) : button);
  };
  /** @param {Entry} change */
  const select = (change) => {
    const index = changes.indexOf(change);
    [...list.children].forEach((row, at) =>
      row.firstElementChild?.setAttribute("aria-current", String(at === index)));
    const before = async () => {
      while (index + 1 === changes.length && next !== null) await load();
      return changes[index + 1]?.text ?? null;
    };
    fill(details, detailsOf({ key, change, current, before, attempt, reload }));
  };
  const reload = async () => {
    [changes, next, current] = [[], null, await readKey(key, signal)];
    fill(list);
    do await load(); while (next !== null && changes.length === 0);
    if (changes[0]) select(changes[0]);
    else fill(details, t("This key has no changes in the log."));
  };
  /** @type {import("../../api/keys.js").Value | null} */
  let current = null;
  let isLogged = true;
  try {
    await reload();
  } catch (problem) {
    isLogged = !hasCode(problem, "not_found");
    if (isLogged) throw problem;
  }
  document.title = `${t("History")} · KV`;
  return { element: h("div", { class: "view" }, h("h1", null, t("History")),
    h("a", { class: "mono", href: keyHref(key) }, h("bdi", null, key)),
    isLogged ? h("div", { class: "history" }, h("div", null, list, end), details)
      : h("p", { class: "banner" }, t("The change log is disabled."))) };
}

/** Reports an error. @param {any} button @param {() => Promise<unknown>} run */
async function attempt(button, run) {
  button.disabled = true;
  await run().catch((problem) =>
    isAbort(problem) || notify(describe(problem), { kind: "error" }));
  button.disabled = false;
}

/** @param {Entry} change @param {() => void} onclick */
function rowOf({ revision, at, by, text, expired }, onclick) {
  const [name, what] = expired ? ["warn", t("expired")]
    : text === null ? ["bad", t("deleted")] : ["good", t("written")];
  const author = by ?? (!expired && t("another account"));
  const facts = [t("Revision {n}", { n: revision }), author,
    text !== null && size(new Blob([text]).size)];
  return h("li", null, h("button", { type: "button", onclick },
    h("time", null, at === null ? "—" : dateTime(at)),
    h("span", { class: `badge ${name}` }, what),
    h("bdi", { class: "hint" }, facts.filter(Boolean).join(" · "))));
}
