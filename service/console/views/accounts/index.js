// The accounts, found by the beginning of the name and loaded by pages; or one of them.
import { administer } from "../../api/accounts.js";
import { go } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { fill, h } from "../../ui/index.js";
import { accountPage } from "./account.js";
import { accountRow, report } from "./row.js";

const HREF = "#/admin/accounts?";

/** @type {View} */
export async function accounts({ path, query, signal }) {
	if (path !== "" || query.has("new")) {
		const options = { query: { username: decodeURIComponent(path) }, signal };
		return { element: accountPage(
			path === "" ? null : await administer("GET", "account", options)) };
	}
	/** @type {string | null} */
	let next = null;
	let searches = 0;
	const input = h("input", { type: "search", value: query.get("prefix"), spellcheck: "false",
		oninput: search, "aria-label": t("Find accounts", "Найти учётные записи"),
		placeholder: t("Beginning of the name", "Начало имени") });
	const body = h("tbody");
	const none = h("p", { class: "empty", role: "status" },
		t("No account has such a name. Create it, or shorten the name.",
			"Таких имён нет. Создайте учётную запись или сократите имя."));
	const more = h("button", { type: "button", onclick: () => load().catch(report) },
		t("Load more", "Загрузить ещё"));

	/** Loads a page, unless another search begins in the meantime. */
	async function load() {
		const search = searches;
		const options = { query: { prefix: input.value, after: next }, signal };
		more.disabled = true;
		const page = await administer("GET", "accounts", options)
			.finally(() => (more.disabled = false));
		if (search === searches) {
			next = page.next;
			body.append(...page.accounts.map(accountRow));
			more.hidden = next === null;
			none.hidden = body.childElementCount > 0;
		}
	}

	function search() {
		searches += 1;
		next = null;
		none.hidden = true;
		fill(body);
		history.replaceState(null, "", HREF + new URLSearchParams({ prefix: input.value }));
		load().catch(report);
	}

	await load();
	shortcut("/", t("Find accounts", "Найти учётные записи"), () => input.focus(), signal);
	const titles = [t("Name", "Имя"), t("State", "Состояние"), t("Grants", "Права"), t("Created", "Создана")];
	return { element: h("div", { class: "view" },
		h("div", { class: "toolbar" }, h("h1", null, t("Accounts", "Учётные записи")),
			h("div", { class: "toolbar end" }, input,
				h("button", { type: "button", class: "primary", onclick: () => go(`${HREF}new`) },
					t("New account", "Новая учётная запись")))),
		h("div", { class: "wide-table" }, h("table", { class: "accounts" },
			h("tr", null, titles.map((title) => h("th", { scope: "col" }, title))), body)),
		none, h("div", null, more)) };
}
