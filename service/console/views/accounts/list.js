// The list of the accounts: found by a prefix of the name, loaded by pages.
import { listAccounts } from "../../api/admin.js";
import { isAbort } from "../../api/problem.js";
import { go } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t, tn } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";
import { announce } from "../../ui/notices.js";
import { accountHref, rememberPrefix } from "./address.js";
import { openCreate } from "./create.js";
import { accountRow } from "./row.js";

/** Milliseconds without a key pressed before the names are searched. */
const SEARCH_DELAY = 200;

/** @param {string} prefix @param {AbortSignal} signal */
export function listPage(prefix, signal) {
  const input = h("input", { type: "search", value: prefix, autocomplete: "off",
    spellcheck: "false", "aria-label": t("Find accounts by the beginning of the name"),
    placeholder: t("Beginning of the name") });
  const create = h("button", { type: "button", class: "primary",
    onclick: () => openCreate((name) => go(accountHref(name))) },
    icon("add"), t("New account"));
  const results = h("div", { class: "accounts", "aria-busy": "true" });
  let leave = new AbortController();
  const search = () => {
    leave.abort();
    leave = new AbortController();
    rememberPrefix(input.value);
    return showResults(results, input.value, AbortSignal.any([signal, leave.signal]));
  };
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, SEARCH_DELAY);
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  shortcut("/", t("Find accounts"), () => input.focus(), signal);
  search();
  return { element: h("div", { class: "view" },
    h("div", { class: "toolbar" }, h("h1", null, t("Accounts")),
      h("div", { class: "end toolbar" }, input, create)), results) };
}

/** @param {HTMLElement} results @param {string} prefix @param {AbortSignal} signal */
async function showResults(results, prefix, signal) {
  const body = h("tbody");
  const titles = [t("Name"), t("State"), t("Grants"), t("Created")];
  const table = h("div", { class: "wide-table" },
    h("table", null, h("thead", null, h("tr", null,
      titles.map((title) => h("th", { scope: "col" }, title)))), body));
  /** @type {string | null} */
  let next = null;
  const more = h("button", { type: "button", onclick: () => load() }, t("Load more"));
  const end = h("div", { class: "more" }, more);
  const load = async () => {
    more.disabled = true;
    results.setAttribute("aria-busy", "true");
    try {
      const page = await listAccounts(prefix, next, signal);
      body.append(...page.accounts.map(accountRow));
      next = page.next;
      const shown = body.childElementCount;
      fill(results, shown === 0 ? nothing(prefix) : table, next !== null && end);
      announce(tn("{n} account is shown.", "{n} accounts are shown.", shown));
    } catch (error) {
      if (!isAbort(error)) {
        fill(results, body.childElementCount > 0 && table,
          h("div", { class: "empty", role: "alert" }, h("p", null, describe(error)),
          h("button", { type: "button", onclick: load }, t("Try again"))));
      }
    } finally {
      more.disabled = false;
      results.removeAttribute("aria-busy");
    }
  };
  const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && load());
  seen.observe(end);
  signal.addEventListener("abort", () => seen.disconnect());
  await load();
}

/** @param {string} prefix */
function nothing(prefix) {
  return h("div", { class: "empty" },
    h("h2", null, t("No account begins with “{prefix}”", { prefix })),
    h("p", null, t("Shorten the beginning of the name, or create the account.")));
}
