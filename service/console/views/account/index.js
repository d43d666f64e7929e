// The own account: its rights, its access tokens, its password, its sessions.
import { loadUser, signOutEverywhere } from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { attempt, button, confirmDialog, h } from "../../ui/index.js";
import { askNewPassword, askToDelete } from "./dialogs.js";
import { tokensCard } from "./tokens.js";

/** @type {View} */
export async function accountView({ signal }) {
	await loadUser(signal);
	const { username, administrator, created_at: created, grants } = session.user
		?? /** @type {User} */ ({});
	const tokens = await tokensCard(signal);
	return { element: h("div.view.account", h("h1", t("Account", "Учётная запись")),
		h("section.card",
			h("div.toolbar", h("h2", h("bdi", username)),
				administrator && h("span.badge.good", t("Administrator", "Администратор"))),
			h("p.muted", t("Created {time}", "Создано {time}", { time: dateTime(created) })),
			h("ul", grantsInWords(grants).map((words) => h("li", words)))),
		tokens.element,
		h("section.card", h("h2", t("Password and sessions", "Пароль и сеансы")),
			h("div.toolbar",
				button(t("Change the password", "Сменить пароль"), () => askNewPassword(tokens.reload)),
				button(t("Sign out everywhere", "Выйти везде"), endSessions),
				button(t("Delete the account", "Удалить учётную запись"), () => askToDelete(username))))) };
}

async function endSessions() {
	const action = t("Sign out everywhere", "Выйти везде");
	if (await confirmDialog({ title: action, action, danger: true,
		text: t("All sessions of this account end. Access tokens stay valid.",
			"Завершатся все сеансы этой учётной записи. Токены доступа останутся.") })) {
		await attempt(signOutEverywhere, t(
			"All sessions have ended.", "Все сеансы завершены."));
	}
}
