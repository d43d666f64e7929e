// The fields of an account.
import { t } from "../../locale.js";
import { checkbox, field } from "../../ui/index.js";
import { grantsEditor } from "../../ui/grants-editor.js";

/** @param {Account | null} account null: a new one */
export function accountFields(account) {
	const name = field({ label: t("User name", "Имя пользователя"), required: true, autocomplete: "off",
		autocapitalize: "none", spellcheck: "false", maxlength: 64 });
	const password = field({ label: account ? t("New password", "Новый пароль") : t("Password", "Пароль"),
		type: "password", autocomplete: "new-password", required: !account });
	const enabled = checkbox(t("Enabled: may sign in", "Включена: может войти"), !account?.disabled);
	const administrator = checkbox(t(
		"Administrator: manages accounts", "Администратор: управляет учётными записями"),
		account?.administrator);
	const defaults = checkbox(t(
		"The default grants of new accounts", "Права новых учётных записей по "
		+ "умолчанию"), !account);
	const editor = grantsEditor(account?.grants ?? []);
	const hide = () => (editor.element.hidden = defaults.input.checked);
	defaults.input.addEventListener("change", hide);
	hide();

	/** @returns {Record<string, any>} */
	const values = () => ({ username: name.input.value, password: password.input.value,
		disabled: !enabled.input.checked, administrator: administrator.input.checked,
		grants: defaults.input.checked ? undefined : editor.grants() });
	const before = values();
	/** The members that have been edited: others may change the rest. */
	const edited = () => Object.fromEntries(Object.entries(values()).filter(
		([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])));
	return { edited, elements: account
		? [enabled, administrator, password, editor].map(({ element }) => element)
		: [name, password, administrator, defaults, editor].map(({ element }) => element) };
}
