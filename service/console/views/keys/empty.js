// What the list and the pane of the value say when there is nothing else to show.
import { session } from "../../api/session.js";
import { t, tn } from "../../locale.js";
import { button, h, keyText } from "../../ui/index.js";
import { addressOf } from "./place.js";

/** @typedef {import("./place.js").Place} Place */

/** How much is loaded. @param {Place} place */
export function statusText({ rows: { all, root }, isTree }) {
	const { entries, hasMore, error } = root;
	if (entries === 0) return hasMore && error === null ? t("Loading…", "Загрузка…") : "";
	if (isTree) {
		return hasMore ? tn(entries, ["{n} entry, more follow", "{n} entries, more follow"],
			["{n} запись, есть ещё", "{n} записи, есть ещё", "{n} записей, есть ещё"])
			: tn(entries, ["{n} entry", "{n} entries"],
				["{n} запись", "{n} записи", "{n} записей"]);
	}
	const n = all.length - Number(hasMore);
	return hasMore ? tn(
		n, ["{n} key loaded, more follow", "{n} keys loaded, more follow"],
		["{n} ключ загружен, есть ещё", "{n} ключа загружено, есть ещё", "{n} ключей загружено, есть ещё"])
		: tn(n, ["{n} key", "{n} keys"], ["{n} ключ", "{n} ключа", "{n} ключей"]);
}

/** @param {string} title @param {string} text */
const message = (title, text) => [h("h2", title), h("p", text)];

/** @param {Place} place @param {() => void} onnew */
export function nothing({ prefix }, onnew) {
	const add = button(t("New key", "Новый ключ"), onnew, "primary");
	return prefix === "" ? [message(t("There are no keys yet", "Ключей пока нет"), t(
		"Add a key, or import a file.", "Добавьте ключ или импортируйте файл.")),
		add, h("a", { href: "#/transfer" }, t("Import a file", "Импортировать файл"))]
		: [message(t("No key begins with this prefix", "Нет ключей с этим префиксом"), t(
			"Change the prefix, or add a key.", "Измените префикс или добавьте ключ.")), add];
}

/** @param {Place} place */
export function forbidden({ isTree }) {
	const grants = session.user?.grants.filter((grant) => grant.prefix && grant.rights !== "w") ?? [];
	return [message(t(
		"Your account has no right to read these keys", "Нет права читать эти ключи"), grants.length > 0
		? t(
			"You can read the keys with these prefixes:", "Вам доступны ключи с префиксами:")
		: t("Ask an administrator for the rights you need.",
			"Обратитесь за правами к администратору.")),
	grants.map(({ prefix }) =>
		h("a", { href: addressOf({ key: null, prefix, isTree }) }, keyText(prefix)))];
}

export const hint = () => h("div.empty", h("p", t(
	"Choose a key to see its value.", "Выберите ключ, чтобы увидеть значение.")),
	h("p", h("kbd", "?"), " ", t("shows the keyboard shortcuts", "покажет клавиши")));

export const malformed = () => h("div.empty", { role: "alert" },
	message(t("This address is not valid", "Неверный адрес"), t(
		"The key in it is not encoded correctly.", "Ключ в нём закодирован неверно.")),
	h("a.button", { href: "#/keys" }, t("Show the list", "Показать список")));
