// An account in a row of the list.
import { isAbort } from "../../api/problem.js";
import { t, tn } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { describe } from "../../text/problems.js";
import { h, notify } from "../../ui/index.js";

/** @param {unknown} error */
export const report = (error) => isAbort(error) || notify(describe(error), "error");

/** @param {string} name */
export const accountHref = (name) => `#/admin/accounts/${encodeURIComponent(name)}`;

/** Shows two grants. @param {Account} account */
export function accountRow(account) {
	const { username, grants } = account;
	const more = grants.length - 2;
	return h("tr", null,
		h("th", { scope: "row" },
			h("a", { href: accountHref(username) }, h("bdi", null, username))),
		h("td", null, badges(account)),
		h("td", null, grantsInWords(grants.slice(0, 2)).map((text) => h("div", null, text)),
			more > 0 && tn(
				more, ["and {n} more", "and {n} more"], ["и ещё {n}", "и ещё {n}", "и ещё {n}"])),
		h("td", null, created(account)));
}

/** @param {Account} account */
export const badges = ({ disabled, administrator }) => [
	h("span", { class: `badge ${disabled ? "bad" : "good"}` },
		disabled ? t("Disabled", "Отключена") : t("Enabled", "Включена")), " ",
	administrator && h("span", { class: "badge warn" }, t(
		"Administrator", "Администратор"))];

/** @param {Account} account */
export const created = ({ created_at: at }) =>
	h("time", { datetime: new Date(at * 1000).toISOString() }, dateTime(at));
