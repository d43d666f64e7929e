// The list's grid, what it says about itself, and what it deletes.
import { hasCode } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { attempt, button, fill, h, keyText } from "../../ui/index.js";
import { keyGrid } from "./grid.js";
import { addressOf } from "./place.js";
import { deleteText, removeKeys, removePrefix } from "./remove.js";
import { keysText } from "./row.js";

/** How much is loaded. @param {Place} place */
function statusText({ rows, isTree }) {
	const [isFirst, hasMore] = [rows[0], rows.at(-1)].map((row) => row?.kind === "more");
	if (isFirst || rows.length === 0) return "";
	const n = rows.filter(({ depth }) => depth === 0).length - Number(hasMore);
	return (isTree ? t("Entries: {n}", "Записей: {n}", { n }) : keysText(n))
		+ (hasMore ? t(", more follow", ", есть ещё") : "");
}

/** @param {string} title @param {string} text */
export const message = (title, text) => [h("h2", title), h("p", text)];

function nothing(isAll, onnew) {
	const add = button(t("New key", "Новый ключ"), onnew, "primary");
	return isAll ? [message(t("There are no keys yet", "Ключей пока нет"),
		t("Add a key, or import a file.", "Добавьте ключ или импортируйте файл.")), add,
	h("a", { href: "#/transfer" }, t("Import a file", "Импортировать файл"))]
		: [message(t("No key begins with this prefix", "Нет ключей с этим префиксом"),
			t("Change the prefix, or add a key.", "Измените префикс или добавьте ключ.")), add];
}

function forbidden(isTree) {
	const grants = session.user?.grants.filter(({ rights }) => rights !== "w") ?? [];
	return [message(t("You have no right to read these keys", "Нет права читать эти ключи"),
		grants.length > 0 ? t("You can read these prefixes:", "Вам доступны префиксы:")
			: t("Ask an administrator for it.", "Обратитесь к администратору.")),
	grants.map(({ prefix }) =>
		h("a", { href: addressOf({ key: null, prefix, isTree }) }, keyText(prefix)))];
}

/** @param {Place} place */
export function showList(place, { onopen, onnew, onclose }) {
	const { selected, prefix, isTree } = place;

	const removeAll = async (below) => {
		if (!await removePrefix(below)) return;
		selected.clear();
		await place.reload();
	};

	/** A single key is only deleted as it is shown. */
	const remove = async (keys) => {
		const [key] = keys;
		const row = keys.length === 1 && place.rows[place.find(key)];
		const gone = await removeKeys(keys, row ? { [key]: row.revision } : undefined);
		gone.forEach((each) => selected.delete(each));
		if (gone.has(place.key)) onclose();
		await (row ? place.reread(key) : place.drop(gone));
		grid.element.focus();
	};

	const clear = () => {
		selected.clear();
		grid.refresh();
		grid.element.focus();
	};

	const actions = () => selected.size === 0
		? button(t("Delete all keys with this prefix…", "Удалить все с этим префиксом…"),
			() => removeAll(prefix), "link")
		: [button(t("Clear the selection", "Снять выбор"), clear),
			button(deleteText(selected.size), () => remove([...selected]), "danger")];

	let shown = "";
	const onchange = () => {
		const [row] = place.rows;
		const isForbidden = row?.kind === "more" && hasCode(row.error, "forbidden");
		const isEmpty = !row || isForbidden;
		grid.element.hidden = isEmpty;
		empty.hidden = !isEmpty;
		status.textContent = statusText(place);
		const state = `${isEmpty} ${isForbidden} ${selected.size}`;
		if (shown === state) return; // or else the buttons lose the focus
		shown = state;
		fill(empty, isForbidden ? forbidden(isTree) : nothing(prefix === "", onnew));
		fill(buttons, !isEmpty && actions());
	};

	const empty = h("div.empty");
	const status = h("p", { role: "status" });
	const buttons = h("div.toolbar.end");
	const reread = (key) => attempt(() => place.reread(key));
	const grid = keyGrid(place, { onopen, onchange, onexpire: reread,
		ondelete: ({ kind, key }) => attempt(() => {
			if (kind === "prefix") return removeAll(key);
			if (selected.size > 0) return remove([...selected]);
			return kind === "key" && remove([key]);
		}) });
	return { elements: [grid.element, empty, h("div.toolbar.foot", status, buttons)],
		grid, reread };
}
