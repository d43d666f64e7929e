// What pages of accounts share.
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import {
	PLAIN, attempt, button, confirmDialog, field, h, passwordField
} from "../../ui/index.js";

export const stateNames = () => ({ disabled: t("Disabled", "Отключена"),
	administrator: t("Administrator", "Администратор") });

/** @type {kv.badges} */
export const badges = ({ disabled, administrator }) => [
	disabled && h("span.badge.bad", stateNames().disabled), " ",
	administrator && h("span.badge.warn", stateNames().administrator)];

/** @type {kv.created} */
export const created = ({ created_at: at }) =>
	t("Created {time}", "Создано {time}", { time: dateTime(at) });

export const nameField = (autocomplete = "off") => field({ ...PLAIN, autocomplete,
	name: "username", label: t("User name", "Имя пользователя"), required: true,
	maxlength: 64 });

/** With the name of the user for password managers. */
export function currentPassword(label = t("Current password", "Текущий пароль")) {
	const { element, input } = passwordField(label, "current-password");
	return { input, elements: [element, h("input", { autocomplete: "username",
		name: "username", value: session.user?.username, hidden: true })] };
}

/** A new password, typed twice. */
export function newPassword() {
	const first = passwordField(t("New password", "Новый пароль"));
	const again = passwordField(t("New password again", "Новый пароль ещё раз"));
	return { elements: [first.element, again.element], value() {
		if (first.input.value === again.input.value) return first.input.value;
		throw new Error(t("The passwords differ.", "Пароли не совпадают."));
	} };
}

/** A button for what has to be confirmed. @param {() => Child} text in the dialog */
export const confirmed = (title, text, run, done, kind = "", sign = "", typed = "") =>
	button(title, async () => {
		const options = { title, action: title, danger: true, typed, text: text() };
		if (await confirmDialog(options)) await attempt(run, done);
	}, kind, sign);

/** `more`: for the dialog. @type {kv.deleteButton} */
export const deleteButton = (name, run, more) => confirmed(
	t("Delete the account", "Удалить учётную запись"),
	() => [h("p", t("Its keys stay.", "Её ключи останутся.")), more?.()],
	run, t("The account is deleted.", "Учётная запись удалена."),
	"danger end", "", name);
