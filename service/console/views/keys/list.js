// The list's grid, what it says about itself, and what it deletes.
import { hasCode } from "../../api/problem.js";
import { t, tn } from "../../locale.js";
import { describe } from "../../text/problems.js";
import { button, fill, h, notify } from "../../ui/index.js";
import { forbidden, nothing, statusText } from "./empty.js";
import { Grid } from "./grid.js";
import { drop, reload, reread } from "./reload.js";
import { removeKeys, removePrefix } from "./remove.js";
import { ROW } from "./row.js";
import { isKey, isPrefix } from "./rows.js";

/**
 * @param {import("./place.js").Place} place
 * @param {{signal: AbortSignal, onopen: (key: string) => void, onnew: () => void,
 *   onclose: () => void}} options
 */
export function showList(place, { signal, onopen, onnew, onclose }) {
	const { rows, selected } = place;
	const failed = (/** @type {unknown} */ error) => {
		if (!signal.aborted) {
			notify(describe(error), "error");
		}
	};

	/** Loads the list again. The place in it stays. */
	const refresh = async () => {
		const key = rows.all[place.active]?.key;
		const until = () => (place.top + grid.element.clientHeight) / ROW;
		await reload(rows, until, signal).catch(failed);
		const at = rows.all.findIndex((row) => row.key === key);
		place.active = at === -1 ? place.active : at;
		grid.refresh();
	};

	const removeAll = async (/** @type {string} */ prefix) => {
		if (await removePrefix(prefix)) {
			selected.clear();
			await refresh();
		}
	};

	const remove = async (/** @type {string[]} */ keys) => {
		const gone = await removeKeys(keys);
		gone.forEach((key) => selected.delete(key));
		if (place.key !== null && gone.has(place.key)) onclose();
		if (place.isTree && gone.size > 0) return refresh();
		drop(rows, gone);
		grid.refresh();
	};

	const actions = () => selected.size === 0
		? button(t("Delete all keys with this prefix…", "Удалить все с этим префиксом…"), () => removeAll(place.prefix), "link")
		: [button(t("Clear the selection", "Снять выбор"), () => {
			selected.clear();
			grid.refresh();
			grid.element.focus();
		}), button(tn(selected.size, ["Delete {n} key", "Delete {n} keys"],
			["Удалить {n} ключ", "Удалить {n} ключа", "Удалить {n} ключей"]),
			() => remove([...selected]), "danger")];

	let shown = "";
	const onchange = () => {
		const { root, all } = rows;
		const isEmpty = all.length === 0 || hasCode(root.error, "forbidden");
		grid.element.hidden = isEmpty;
		empty.hidden = !isEmpty;
		fill(empty, isEmpty && (root.error ? forbidden(place) : nothing(place, onnew)));
		status.textContent = statusText(place);
		const state = `${isEmpty} ${selected.size}`;
		if (shown !== state) { // or else the buttons lose the focus
			shown = state;
			fill(buttons, !isEmpty && actions());
		}
	};

	const empty = h("div.empty");
	const status = h("p", { role: "status" });
	const buttons = h("div.toolbar.end");
	const grid = new Grid(place, { signal, onopen, onchange,
		onexpire: (key) => list.reread(key),
		ondelete: (row) => isPrefix(row) ? removeAll(row.key)
			: remove(isKey(row) && selected.size === 0 ? [row.key] : [...selected]) });
	const list = { elements: [grid.element, empty, h("div.toolbar.foot", status, buttons)],
		grid, refresh,
		/** After a key was written or deleted. @param {string} key */
		reread: async (key) => {
			if (await reread(rows, key, signal).catch(failed) === false) await refresh();
		} };
	return list;
}
