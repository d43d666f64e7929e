// The page for signing in and registering.
import { register, signIn } from "../api/accounts.js";
import { languageSelect } from "../app/frame.js";
import { t } from "../locale.js";
import { button, checkbox, field, fill, form, h, icon, PLAIN } from "../ui/index.js";

/** Shows the page in place of everything else. @type {kv.showSignIn} */
export function showSignIn(onlanguage, message) {
	const card = h("div.card");
	const show = (/** @type {boolean} */ isNew) => {
		fill(card, h("h1", isNew ? t("Create an account", "Создать учётную запись")
			: t("Sign in to KV", "Вход в KV")),
			message && h("p.notice.info", { role: "status" }, message),
			isNew ? registerForm() : signInForm(),
			h("p.other", button(isNew ? t("Sign in instead", "Войти с учётной записью")
				: t("Create an account", "Создать учётную запись"), () => show(!isNew), "link")));
		card.querySelector("input")?.focus();
	};
	document.title = `${t("Sign in", "Войти")} · KV`;
	fill(document.body, h("main.sign-in", h("p.brand", icon("key"), "KV"), card,
		languageSelect(onlanguage)));
	show(false);
}

/** Names and autocomplete values are those that password managers look for. */
const nameField = () => field({ ...PLAIN, label: t("User name", "Имя пользователя"),
	name: "username", autocomplete: "username", required: true, maxlength: 64 });

/** @param {string} label @param {string} name @param {string} autocomplete */
const passwordField = (label, name, autocomplete) =>
	field({ label, name, type: "password", autocomplete, required: true });

function signInForm() {
	const name = nameField();
	const password = passwordField(t("Password", "Пароль"), "password", "current-password");
	const keep = checkbox(t("Stay signed in when this page is reloaded",
		"Не выходить при обновлении страницы"));
	return form({ body: [name.element, password.element, keep.element],
		label: t("Sign in", "Войти"),
		submit: () => signIn(name.input.value, password.input.value, keep.input.checked) });
}

function registerForm() {
	const name = nameField();
	const password = passwordField(t("New password", "Новый пароль"), "new-password",
		"new-password");
	const again = passwordField(t("New password again", "Новый пароль ещё раз"),
		"new-password-again", "new-password");
	return form({ body: [name.element, password.element, again.element],
		label: t("Create the account", "Создать"),
		submit: async () => {
			if (again.input.value !== password.input.value) {
				return again.setError(t("The passwords differ.", "Пароли не совпадают."));
			}
			await register(name.input.value, password.input.value);
			await signIn(name.input.value, password.input.value, false);
		} });
}
