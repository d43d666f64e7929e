// A dialog for a session that has ended while the page is open: nothing typed is lost.
import { signIn } from "../api/accounts.js";
import { session } from "../api/session.js";
import { t } from "../locale.js";
import { field, formDialog, h } from "../ui/index.js";

/** @type {Promise<boolean> | null} */
let asking = null;

/** Asks once, however many calls have failed. @type {kv.signInAgain} */
export async function signInAgain() {
	if (session.user === null) return false;
	asking ??= ask(session.user.username).finally(() => (asking = null));
	return asking;
}

/** @param {string} username @returns {Promise<boolean>} */
const ask = (username) => new Promise((resolve) => {
	let done = false;
	const name = field({ label: t("User name", "Имя пользователя"), name: "username",
		value: username, autocomplete: "username", readonly: true });
	const password = field({ label: t("Password", "Пароль"), name: "password",
		type: "password", autocomplete: "current-password", required: true });
	formDialog({ title: t("Sign in again", "Войдите снова"), label: t("Sign in", "Войти"),
		onclose: () => resolve(done),
		body: [h("p", t("Your session has ended. What you have typed is kept.",
			"Сеанс завершён. Введённое сохранено.")), name.element, password.element],
		submit: async () => {
			await signIn(username, password.input.value, session.isKept);
			done = true;
		} });
});
