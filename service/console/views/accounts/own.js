// The own account: its rights, its access tokens, its password, its sessions.
import { loadUser, takeToken } from "../../api/accounts.js";
import { call } from "../../api/client.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { grantsInWords } from "../../ui/grants.js";
import { button, checkbox, formDialog, h, notify } from "../../ui/index.js";
import {
	badges, confirmed, created, currentPassword, deleteButton, newPassword
} from "./shared.js";
import { tokensCard } from "./tokens.js";

/** @type {View} */
export async function accountView({ signal }) {
	await loadUser(signal);
	const user = /** @type {User} */ (session.user);
	const tokens = await tokensCard(signal);
	let password = currentPassword();
	const end = async (method, path, json) => {
		await call(method, path, { json });
		session.clear();
	};
	return { element: h("div.view.account", h("h1", t("Account", "Учётная запись")),
		h("section.card",
			h("div.toolbar", h("h2", h("bdi", user.username)), badges(user)),
			h("p.muted", created(user)),
			h("ul", grantsInWords(user.grants).map((words) => h("li", words)))),
		tokens.element,
		h("section.card", h("div.toolbar",
			button(changeText(), () => askNewPassword(tokens.reload)),
			confirmed(t("Sign out everywhere", "Выйти везде"),
				() => t("Access tokens stay valid.", "Токены доступа останутся."),
				() => end("POST", "api/logout"),
				t("All sessions have ended.", "Все сеансы завершены.")),
			deleteButton(user.username,
				() => end("DELETE", "api/me", { password: password.input.value }),
				() => (password = currentPassword()).elements)))) };
}

const changeText = () => t("Change the password", "Сменить пароль");

function askNewPassword(onchange) {
	const current = currentPassword();
	const next = newPassword();
	const keep = checkbox(t("Keep access tokens", "Сохранить токены доступа"), true);
	formDialog({ title: changeText(),
		body: [current.elements, next.elements, keep.element],
		submit: async () => {
			await takeToken("api/password", { json: { password: current.input.value,
				new_password: next.value(), keep_access_tokens: keep.input.checked } });
			notify(t("The password is changed. Other sessions have ended.",
				"Пароль изменён, другие сеансы завершены."));
			return onchange;
		} });
}
