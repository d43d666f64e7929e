// An account in a row of the list.
import { t, tn } from "../../locale/index.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { h } from "../../ui/dom.js";

/** @typedef {import("../../api/admin.js").Account} Account */

/** Grants that a row shows. */
const SHOWN = 2;

/** @param {string} name */
export const accountHref = (name) => `#/admin/accounts/${encodeURIComponent(name)}`;

/** @param {Account} account */
export function accountRow(account) {
  const { username, grants } = account;
  const words = grantsInWords(grants.slice(0, SHOWN)).map((text) => h("div", null, text));
  const more = grants.length - SHOWN;
  return h("tr", null,
    h("th", { scope: "row" },
      h("a", { href: accountHref(username) }, h("bdi", null, username))),
    h("td", null, badges(account)),
    h("td", null, words, more > 0 && h("div", null, tn("and {n} more", "and {n} more", more))),
    h("td", null, created(account)));
}

/** @param {Account} account */
export const badges = ({ disabled, administrator }) => [
  h("span", { class: `badge ${disabled ? "bad" : "good"}` },
    disabled ? t("Disabled") : t("Enabled")), " ",
  administrator && h("span", { class: "badge warn" }, t("Administrator"))];

/** @param {Account} account */
export const created = ({ created_at: at }) =>
  h("time", { datetime: new Date(at * 1000).toISOString() }, dateTime(at));
