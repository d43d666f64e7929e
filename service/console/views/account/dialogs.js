// Dialogs for a new password and for deleting the account.
import { changePassword, deleteAccount } from "../../api/accounts.js";
import { t } from "../../locale.js";
import { checkbox, field, h, notify } from "../../ui/index.js";
import { passwordDialog } from "./password-dialog.js";

/** @param {() => void} onchange */
export function askNewPassword(onchange) {
	const [next, again] = [t("New password", "Новый пароль"), t(
		"New password again", "Новый пароль ещё раз")].map((label) =>
		field({ label, name: "new-password", type: "password", autocomplete: "new-password",
			required: true }));
	const keep = checkbox(t("Keep access tokens", "Сохранить токены доступа"), true);
	passwordDialog({ title: t("Change the password", "Сменить пароль"),
		body: [next.element, again.element, keep.element],
		submit: async (password) => {
			if (again.input.value !== next.input.value) {
				throw new Error(t("The passwords differ.", "Пароли не совпадают."));
			}
			await changePassword(password, next.input.value, keep.input.checked);
			notify(t("The password is changed. Other sessions have ended.",
				"Пароль изменён. Другие сеансы завершены."));
			onchange();
		} });
}

/** @param {string} username */
export function askToDelete(username) {
	const { element, input } = field({ label: t(
		"Type {text} to confirm", "Для подтверждения введите {text}", { text: username }),
		autocomplete: "off", spellcheck: "false", required: true });
	passwordDialog({ title: t("Delete the account", "Удалить учётную запись"), danger: true,
		body: [h("p", t("Its sessions and access tokens end. The keys that it wrote stay.",
			"Её сеансы и токены доступа завершатся. Записанные ею ключи останутся.")),
			element],
		submit: async (password) => {
			if (input.value !== username) {
				throw new Error(t("This is not your user name.", "Это не ваше имя."));
			}
			await deleteAccount(password);
			notify(t("The account is deleted.", "Учётная запись удалена."));
		} });
}
