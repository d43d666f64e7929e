// The accounts, found by the beginning of the name and loaded by pages; or one of them.
import { administer } from "../../api/accounts.js";
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../ui/grants.js";
import { PLAIN, attempt, button, fill, h } from "../../ui/index.js";
import { badges } from "./shared.js";
import { accountHref, accountPage } from "./account.js";

const HREF = "#/admin/accounts?";

/** @type {View} */
export async function accountsView({ path, query, signal }) {
	const account = path && await administer("GET", "account",
		{ query: { username: decodeURIComponent(path) }, signal });
	if (account || query.has("new")) return { element: accountPage(account || null) };
	const find = t("Beginning of the name", "Начало имени");
	const input = h("input.end", { ...PLAIN, type: "search", value: query.get("prefix"),
		"aria-label": find, placeholder: find,
		oninput: () => {
			searches += 1;
			next = null;
			replaceAddress(HREF + new URLSearchParams({ prefix: input.value }));
			attempt(load);
		} });
	const body = h("tbody");
	const none = h("p.empty", { role: "status" }, t("No name begins so.", "Таких имён нет."));
	let searches = 0;
	/** @type {string | null} */
	let next = null;
	/** Loads a page, unless another search begins in the meantime. */
	const load = async () => {
		const [search, after] = [searches, next];
		const page = await administer("GET", "accounts",
			{ query: { prefix: input.value, after }, signal });
		if (search !== searches) return;
		next = page.next;
		if (after === null) fill(body);
		body.append(...page.accounts.map(row));
		more.hidden = next === null;
		none.hidden = body.childElementCount > 0;
	};
	const more = button(t("Load more", "Загрузить ещё"), load);
	await load();
	shortcut("/", find, () => input.focus(), signal);
	return { element: h("div.view",
		h("div.toolbar", h("h1", t("Accounts", "Учётные записи")), input,
			button(t("New account", "Новая учётная запись"), () => go(`${HREF}new`), "primary")),
		h("div.wide-table", h("table", h("tr", [t("Name", "Имя"), t("Grants", "Права"),
			t("Created", "Создана")].map((title) => h("th", { scope: "col" }, title))), body)),
		none, h("div", more)) };
}

function row({ username, grants, created_at: at, ...state }) {
	const more = grants.length - 2;
	return h("tr",
		h("th", { scope: "row" },
			h("a", { href: accountHref(username) }, h("bdi", username)), " ", badges(state)),
		h("td", grantsInWords(grants.slice(0, 2)).map((text) => h("div", text)),
			more > 0 && t("and {n} more", "и ещё {n}", { n: more })),
		h("td", dateTime(at)));
}
