// The own account: its rights, its access tokens, its password, its sessions.
import {
	changePassword, deleteAccount, loadUser, signOutEverywhere
} from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { grantsInWords } from "../../ui/grants.js";
import { button, checkbox, formDialog, h, notify } from "../../ui/index.js";
import {
	badges, confirmed, created, currentPassword, deleteButton, passwordField
} from "./shared.js";
import { tokensCard } from "./tokens.js";

/** @type {View} */
export async function accountView({ signal }) {
	await loadUser(signal);
	const user = /** @type {User} */ (session.user);
	const tokens = await tokensCard(signal);
	let password = currentPassword();
	return { element: h("div.view.account", h("h1", t("Account", "Учётная запись")),
		h("section.card",
			h("div.toolbar", h("h2", h("bdi", user.username)), badges(user)),
			h("p.muted", created(user)),
			h("ul", grantsInWords(user.grants).map((words) => h("li", words)))),
		tokens.element,
		h("section.card", h("div.toolbar",
			button(t("Change the password", "Сменить пароль"),
				() => askNewPassword(tokens.reload)),
			confirmed(t("Sign out everywhere", "Выйти везде"),
				() => t("All sessions end. Access tokens stay valid.",
					"Все сеансы завершатся. Токены доступа останутся."),
				signOutEverywhere, t("All sessions have ended.", "Все сеансы завершены.")),
			deleteButton(user.username, () => deleteAccount(password.input.value),
				() => (password = currentPassword()).elements)))) };
}

function askNewPassword(onchange) {
	const current = currentPassword();
	const next = passwordField(t("New password", "Новый пароль"));
	const again = passwordField(t("New password again", "Новый пароль ещё раз"));
	const keep = checkbox(t("Keep access tokens", "Сохранить токены доступа"), true);
	formDialog({ title: t("Change the password", "Сменить пароль"),
		body: [current.elements, next.element, again.element, keep.element],
		submit: async () => {
			if (again.input.value !== next.input.value) {
				throw new Error(t("The passwords differ.", "Пароли не совпадают."));
			}
			await changePassword(current.input.value, next.input.value, keep.input.checked);
			notify(t("The password is changed. Other sessions have ended.",
				"Пароль изменён, другие сеансы завершены."));
			return onchange;
		} });
}
