// An account in a row of the list, and its badges.
import { t, tn } from "../../locale/index.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { h } from "../../ui/dom.js";
import { accountHref } from "./address.js";

/** @typedef {import("../../api/admin.js").Account} Account */

/** Grants that a row shows. */
const SHOWN_GRANTS = 2;

/** @param {Account} account */
export function badges({ disabled, administrator }) {
  return h("span", { class: "badges" },
    h("span", { class: disabled ? "badge bad" : "badge good" },
      disabled ? t("Disabled") : t("Enabled")),
    administrator && h("span", { class: "badge warn" }, t("Administrator")));
}

/** @param {Account} account */
export function created({ created_at: seconds }) {
  const instant = new Date(seconds * 1000);
  return h("time", { datetime: instant.toISOString() }, dateTime(instant));
}

/** @param {Account} account */
export function accountRow(account) {
  const { username, grants } = account;
  const more = grants.length - SHOWN_GRANTS;
  return h("tr", null,
    h("th", { scope: "row" },
      h("a", { href: accountHref(username) }, h("bdi", null, username))),
    h("td", null, badges(account)),
    h("td", null, h("ul", null,
      grantsInWords(grants.slice(0, SHOWN_GRANTS)).map((words) => h("li", null, words)),
      more > 0 && h("li", { class: "muted" }, tn("and {n} more", "and {n} more", more)))),
    h("td", null, created(account)));
}
