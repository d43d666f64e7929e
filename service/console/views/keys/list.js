// The list's grid, what it says about itself, and what it deletes.
import { hasCode } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { attempt, button, fill, h, keyText } from "../../ui/index.js";
import { keyGrid } from "./grid.js";
import { deleteText, removeKeys, removePrefix } from "./remove.js";
import { deleteAllText, keysText } from "./row.js";
import { addressOf } from "./rows.js";

function statusText({ rows, isTree }) {
	const hasMore = rows.at(-1)?.kind === "more";
	const n = rows.filter(({ depth }) => depth === 0).length - Number(hasMore);
	return n > 0 && [isTree ? t("Entries: {n}", "Записей: {n}", { n }) : keysText(n),
		hasMore && t(", more follow", ", есть ещё")];
}

const nothing = (prefix, onnew) => [
	h("h2", prefix ? t("No key begins with this prefix", "Нет ключей с этим префиксом")
		: t("There are no keys yet", "Ключей пока нет")),
	button(t("New key", "Новый ключ"), onnew, "primary"),
	h("a", { href: "#/transfer" }, t("Import a file", "Импортировать файл"))];

function forbidden(place) {
	const grants = session.user?.grants ?? [];
	return [h("h2", t("No right to read these keys", "Нет права читать эти ключи")),
		h("p", t("Your prefixes: {n}", "Ваши префиксы: {n}", { n: grants.length })),
		grants.map(({ prefix }) =>
			h("a", { href: addressOf({ ...place, prefix }, null) }, keyText(prefix)))];
}

/** @param {Place} place */
export function showList(place, { onopen, onnew }) {
	const { selected, prefix } = place;

	const clear = () => {
		selected.clear();
		place.onchange();
		grid.focus();
	};

	const removeAll = async (below) => {
		await removePrefix(below);
		await place.reload();
		clear();
	};

	/** A single key is only deleted as it is shown. */
	const remove = async (keys) => {
		const [key] = keys;
		const { revision } = place.rows[place.find(key)] ?? {};
		try {
			if (!await removeKeys(keys, keys[1] ? undefined : { [key]: revision })) return;
			const gone = new Set(keys);
			if (gone.has(place.key)) onopen(null);
			place.rows = place.rows.filter(({ kind, key: each }) =>
				kind !== "key" || !gone.has(each));
			if (place.isTree) await place.reload();
		} catch (error) {
			await place.reread(key);
			throw error;
		}
		clear();
	};

	const actions = () => selected.size === 0
		? button(`${deleteAllText()}…`, () => removeAll(prefix), "link")
		: [button(t("Clear the selection", "Снять выбор"), clear),
			button(deleteText(selected.size), () => remove([...selected]), "danger")];

	let shown = "";
	const onchange = () => {
		const [row] = place.rows;
		const isForbidden = hasCode(row?.error, "forbidden");
		const isEmpty = !row || isForbidden;
		fill(status, statusText(place));
		const state = `${isEmpty}${isForbidden}${selected.size}`;
		if (shown === state) return; // or else the buttons lose the focus
		shown = state;
		grid.hidden = isEmpty;
		empty.hidden = !isEmpty;
		fill(empty, isForbidden ? forbidden(place) : nothing(prefix, onnew));
		fill(buttons, !isEmpty && actions());
	};

	const empty = h("div.empty");
	const status = h("p", { role: "status" });
	const buttons = h("div.toolbar.end");
	const ondelete = ({ kind, key }) => attempt(() => kind === "prefix" ? removeAll(key)
		: kind === "key" && remove(selected.size > 0 ? [...selected] : [key]));
	const grid = keyGrid(place, { onopen, onchange, ondelete });
	return { elements: [grid, empty, h("div.toolbar.foot", status, buttons)], grid };
}
