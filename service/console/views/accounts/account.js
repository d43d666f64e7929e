// The page of one account, or of a new one.
import { administer, loadUser } from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { go } from "../../app/router.js";
import { t } from "../../locale.js";
import { grantsEditor } from "../../ui/grants.js";
import {
	attempt, checkbox, form, h, notify, passwordField
} from "../../ui/index.js";
import {
	badges, confirmed, created, deleteButton, nameField, stateNames
} from "./shared.js";

/** @param {string} name */
export const accountHref = (name) => `#/admin/accounts/${encodeURIComponent(name)}`;

/** null: a new one. @type {kv.accountPage} */
export function accountPage(account) {
	const { username = "" } = account ?? {};
	const query = { username };
	const isOwn = username === session.user?.username;
	const name = nameField();
	const password = passwordField(t("New password", "Новый пароль"));
	password.input.required = !account;
	const disabled = checkbox(stateNames().disabled, account?.disabled);
	const administrator = checkbox(stateNames().administrator, account?.administrator);
	const { elements, grants } = account ? grantsEditor(account.grants)
		: grantsEditor([], t("The default grants of new accounts", "Права по умолчанию"));
	const values = () => ({ username: name.input.value, password: password.input.value,
		disabled: disabled.input.checked, administrator: administrator.input.checked,
		grants: grants() });
	const before = structuredClone(values());
	/** Others may change the rest. @returns {any} */
	const edited = () => Object.fromEntries(Object.entries(values()).filter(
		([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])));

	const keep = checkbox(t("Keep access tokens when sessions end",
		"Сохранять токены доступа при завершении сеансов"));
	const keeps = () => ({ keep_access_tokens: keep.input.checked });

	async function save() {
		const json = edited();
		if (!account) {
			await administer("POST", "accounts", { json });
			return go(accountHref(json.username));
		}
		const page = accountPage(await administer("PATCH", "account",
			{ query, json: { ...json, ...keeps() } }));
		notify(t("The account is saved.", "Учётная запись сохранена."));
		element.replaceWith(page);
		page.querySelector("input")?.focus();
		await attempt(loadUser);
	}

	const element = h("div.view.narrow",
		h("div.toolbar", h("h1", account ? h("bdi", username)
			: t("New account", "Новая учётная запись")),
		account && [badges(account), h("span.muted.end", created(account))]),
		isOwn && h("p.banner", t("This is your own account.", "Это вы.")),
		h("div.card", form({ label: t("Save", "Сохранить"), submit: save,
			body: [!account && name.element, password.element, administrator.element,
				account && disabled.element, elements, account && keep.element] })),
		account && h("div.card.toolbar",
			confirmed(t("End all sessions", "Завершить все сеансы"), () => "", async () => {
				await administer("POST", "end-tokens", { query, json: keeps() });
				await loadUser();
			}, t("All sessions have ended.", "Все сеансы завершены.")),
			deleteButton(username, async () => {
				await administer("DELETE", "account", { query });
				if (isOwn) session.clear();
				else go("#/admin/accounts");
			})));
	return element;
}
