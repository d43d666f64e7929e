// Signing in and registering: a page, and a dialog for a session that has ended.
import { signIn } from "../api/accounts.js";
import { session } from "../api/session.js";
import { languageSelect } from "../app/frame.js";
import { t } from "../locale.js";
import {
	button, checkbox, fill, form, formDialog, h, icon, passwordField
} from "../ui/index.js";
import { currentPassword, nameField, newPassword } from "./accounts/shared.js";

const title = (isNew = false) => isNew
	? t("Create an account", "Создать учётную запись") : t("Sign in", "Войти");

/** Shows the page in place of everything else. @type {kv.showSignIn} */
export function showSignIn(onlanguage, message) {
	const card = h("div.card");
	const show = (isNew = false) => {
		fill(card, h("h1", title(isNew)),
			message && h("p.notice.info", { role: "status" }, message), signInForm(isNew),
			h("p.other", button(title(!isNew), () => show(!isNew), "link")));
		card.querySelector("input")?.focus();
	};
	document.title = `${title()} · KV`;
	fill(document.body, h("main.sign-in", h("p.brand", icon("key"), "KV"), card,
		languageSelect(onlanguage)));
	show();
}

function signInForm(isNew) {
	const name = nameField("username");
	const current = passwordField(t("Password", "Пароль"), "current-password");
	const next = newPassword();
	const keep = checkbox(t("Stay signed in when this page is reloaded",
		"Не выходить при обновлении страницы"));
	return form({ label: title(isNew),
		body: [name.element, isNew ? next.elements : current.element, keep.element],
		submit: () => signIn(name.input.value, isNew ? next.value() : current.input.value,
			keep.input.checked, isNew) });
}

/** @type {Promise<boolean> | null} */
let asking = null;

/** Asks once, however many calls have failed. @type {kv.signInAgain} */
export const signInAgain = async () => session.user !== null
	&& (asking ??= ask(session.user).finally(() => (asking = null)));

/** @returns {Promise<boolean>} */
const ask = ({ username }) => new Promise((resolve) => {
	const password = currentPassword(t("Password", "Пароль"));
	formDialog({ title: t("Sign in again", "Войдите снова"), label: title(),
		onclose: () => resolve(false),
		body: [h("p", t("The session of {username} has ended. What you have typed is kept.",
			"Сеанс {username} завершён. Введённое сохранено.", { username })),
		password.elements],
		submit: async () => {
			await signIn(username, password.input.value, session.isKept);
			resolve(true);
		} });
});
