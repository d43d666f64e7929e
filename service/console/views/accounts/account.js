// The page of one account, or of a new one.
import { loadUser } from "../../api/accounts.js";
import { administer } from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { go } from "../../app/router.js";
import { t } from "../../locale.js";
import {
	checkbox, confirmDialog, form, formDialog, h, notify
} from "../../ui/index.js";
import { accountFields } from "./fields.js";
import { accountHref, badges, created, report } from "./row.js";

/** @param {Account | null} account null: a new one */
export function accountPage(account) {
	const isOwn = account?.username === session.user?.username;
	const warning = isOwn && h("p", { class: "banner" },
		t("This is your own account: you may lock yourself out.",
			"Это ваша учётная запись: вы можете потерять доступ."));
	const query = { username: account?.username };
	/** Asks to sign in again if the session has ended. @returns {any} */
	const check = () => isOwn && loadUser().catch(report);
	const keep = checkbox(t("Keep access tokens", "Сохранить токены доступа"));
	const keeps = () => ({ keep_access_tokens: keep.input.checked });

	const fields = accountFields(account);

	async function save() {
		const json = fields.edited();
		const send = async () => {
			const saved = await (account
				? administer("PATCH", "account", { query, json: { ...json, ...keeps() } })
				: administer("POST", "accounts", { json }));
			notify(t("The account is saved.", "Учётная запись сохранена."));
			return () => {
				const page = accountPage(saved);
				element.replaceWith(page);
				page.querySelector("input")?.focus();
				return account ? check() : go(accountHref(saved.username));
			};
		};
		const ends = account && (json.disabled || json.password);
		return ends || isOwn
			? formDialog({ title: t("Save the changes?", "Сохранить изменения?"), label: t("Save", "Сохранить"), danger: true,
				body: [warning, ends && [h("p", null, t(
					"All its sessions end.", "Все её сеансы завершатся.")), keep.element]],
				submit: send })
			: (await send())();
	}

	const endSessions = () => formDialog({ title: t(
		"End all sessions", "Завершить все сеансы"), danger: true,
		body: [warning, keep.element], submit: async () => {
			await administer("POST", "end-tokens", { query, json: keeps() });
			notify(t("All sessions have ended.", "Все сеансы завершены."));
			return check;
		} });

	const removed = () => isOwn ? session.clear() : go("#/admin/accounts");
	async function remove() {
		const action = t("Delete the account", "Удалить учётную запись");
		const text = [t("The keys that it wrote stay.", "Записанные ею ключи останутся."), warning];
		const typed = query.username;
		if (await confirmDialog({ title: action, action, text, danger: true, typed })) {
			await administer("DELETE", "account", { query }).then(removed, report);
		}
	}

	const element = h("div", { class: "view narrow" },
		h("a", { href: "#/admin/accounts" }, t("Accounts", "Учётные записи")),
		h("div", { class: "toolbar" },
			h("h1", null, account ? h("bdi", null, account.username) : t(
				"New account", "Новая учётная запись")),
			account && [badges(account),
				h("span", { class: "muted end" }, t("Created", "Создана"), " ", created(account))]),
		h("div", { class: "card" },
			form({ label: t("Save", "Сохранить"), submit: save, body: fields.elements })),
		account && h("div", { class: "card toolbar" },
			h("button", { type: "button", onclick: endSessions }, t(
				"End all sessions", "Завершить все сеансы")),
			h("button", { type: "button", class: "danger end", onclick: remove },
				t("Delete the account", "Удалить учётную запись"))));
	return element;
}
