// Creates an access token, and shows it once.
import { createToken } from "../../api/accounts.js";
import { t } from "../../locale.js";
import { button, checkbox, field, h, openDialog } from "../../ui/index.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { passwordDialog } from "./password-dialog.js";

const DAY = 86_400;

/** @param {() => void} oncreate */
export function createTokenDialog(oncreate) {
	const name = field({ label: t("Name", "Имя"), hint: t(
		"Which program uses it.", "Какая программа его использует."),
		required: true, maxlength: 64, autocomplete: "off" });
	const all = checkbox(t(
		"All rights of the account, future ones too", "Все права учётной записи, и "
		+ "будущие"), true);
	const editor = grantsEditor([{ prefix: "", rights: "r" }]);
	editor.element.hidden = true;
	all.input.onchange = () => (editor.element.hidden = all.input.checked);
	const expiry = h("select", [7, 30, 90, 365].map((days) =>
		h("option", { value: days * DAY, selected: days === 90 },
			t("{n} days", "{n} дней", { n: days }))), h("option", { value: "" }, t("Never", "Бессрочно")));
	passwordDialog({ title: t("Create an access token", "Создать токен доступа"), label: t("Create", "Создать"),
		body: [name.element, all.element, editor.element,
			h("label.field", h("span", t("Expires after", "Срок")), expiry)],
		submit: async (password) => {
			const token = await createToken({ password, name: name.input.value,
				grants: all.input.checked ? null : editor.grants(),
				expires_in: Number(expiry.value) || null });
			oncreate();
			return () => show(token);
		} });
}

/** @param {string} token */
function show(token) {
	const { element, input } = field({ label: t("Access token", "Токен доступа"), value: token,
		readonly: true, class: "mono" });
	const copy = button(t("Copy", "Копировать"), async () => {
		await navigator.clipboard.writeText(token);
		copy.textContent = t("Copied", "Скопировано");
	});
	openDialog(t("The access token is created", "Токен доступа создан"), [
		h("p.banner", t("Copy it now: it is not shown again.",
			"Скопируйте сейчас: больше он не появится.")), element,
		navigator.clipboard && h("div.actions", copy)]);
	input.select();
}
