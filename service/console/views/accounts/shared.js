// What the page of the own account shares with those of administrators.
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { attempt, button, confirmDialog, field, h } from "../../ui/index.js";

export const stateNames = () => ({ disabled: t("Disabled", "Отключена"),
	administrator: t("Administrator", "Администратор") });

/** @type {kv.badges} */
export const badges = ({ disabled, administrator }) => [
	disabled && h("span.badge.bad", stateNames().disabled), " ",
	administrator && h("span.badge.warn", stateNames().administrator)];

/** `item`: an account or a token. @type {kv.created} */
export const created = ({ created_at: at }) =>
	t("Created {time}", "Создано {time}", { time: dateTime(at) });

/** @param {string} label */
export const passwordField = (label, autocomplete = "new-password") => field({ label,
	autocomplete, name: autocomplete, type: "password", required: true });

/** The password of the user; the name tells password managers whose it is. */
export function currentPassword() {
	const { element, input } = passwordField(t("Current password", "Текущий пароль"),
		"current-password");
	return { input, elements: [element, h("input", { autocomplete: "username",
		name: "username", value: session.user?.username, hidden: true })] };
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
	() => [h("p", t("The keys that it wrote stay.", "Записанные ключи останутся.")), more?.()],
	run, t("The account is deleted.", "Учётная запись удалена."),
	"danger end", "", name);
