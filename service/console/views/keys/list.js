// The list's grid, what it says about itself, and what it deletes.
import { deleteKeys, listPage } from "../../api/keys.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { attempt, button, confirmDialog, fill, h, keyText, notify, openDialog }
	from "../../ui/index.js";
import { keyGrid } from "./grid.js";
import { deleteAllText, keysText, nothing, statusText } from "./row.js";

const deleteText = (n) => t("Delete {keys}", "Удалить {keys}", { keys: keysText(n) });
const deletedText = (n) => t("Deleted: {keys}.", "Удалено: {keys}.", { keys: keysText(n) });

/** Has the user type the prefix, and deletes page by page. */
async function removePrefix(prefix) {
	const title = deleteAllText();
	const text = prefix ? keyText(prefix) : t("All keys", "Все ключи");
	if (!await confirmDialog({ title, text, action: title, danger: true,
		typed: prefix || session.user?.username })) return;
	const stop = new AbortController();
	const onclose = () => stop.abort();
	const status = h("p", { role: "status" });
	const dialog = openDialog(title, [h("progress", { "aria-label": title }), status,
		h("div.actions", button(t("Cancel", "Отмена"), onclose))], { onclose });
	let deleted = 0;
	let after;
	await attempt(async () => {
		do {
			const page = await listPage({ prefix, after, signal: stop.signal });
			// a deletion is not cancelled: its number would not be known
			if (page.keys.length > 0) deleted += await deleteKeys(page.keys);
			status.textContent = deletedText(deleted);
			after = page.next;
		} while (after !== null);
	});
	dialog.close();
	notify(deletedText(deleted), "info");
}

/** Fills an element, and returns the grid in it. @param {Place} place */
export function showList(body, place, { onopen, onnew }) {
	const { selected } = place;

	const clear = () => {
		selected.clear();
		place.onchange();
		grid.focus();
	};

	const removeAll = async (prefix) => {
		await removePrefix(prefix);
		await place.reload();
		clear();
	};

	/** A single key is only deleted as it is shown. */
	const remove = async (keys) => {
		const [key, second] = keys;
		const action = deleteText(keys.length);
		const text = [...keys.slice(0, 5).map((each) => h("div", keyText(each))),
			keys.length > 5 && "…"];
		const { revision } = place.rows[place.find(key)] ?? {};
		if (!await confirmDialog({ title: action, action, danger: true, text })) return;
		const removal = deleteKeys(keys, second ? undefined : { [key]: revision });
		notify(deletedText(await removal.catch(async (error) => {
			await place.reread(key);
			throw error;
		})));
		const gone = new Set(keys);
		if (gone.has(place.key)) onopen(null);
		place.rows = place.rows.filter((row) => row.kind !== "key" || !gone.has(row.key));
		clear();
		if (place.isTree) await place.reload();
	};

	const onchange = () => {
		const { size } = selected;
		const instead = nothing(place, onnew);
		fill(empty, instead);
		empty.hidden = !instead;
		grid.hidden = buttons.hidden = !empty.hidden;
		fill(status, statusText(place));
		removing.textContent = size > 0 ? deleteText(size) : `${deleteAllText()}…`;
		removing.className = size > 0 ? "danger" : "link";
		clearing.hidden = size === 0;
	};

	const empty = h("div.empty");
	const status = h("p", { role: "status" });
	const clearing = button(t("Clear the selection", "Снять выбор"), clear);
	const removing = button("", () =>
		selected.size > 0 ? remove([...selected]) : removeAll(place.prefix));
	const buttons = h("div.toolbar.end", clearing, removing);
	const ondelete = ({ kind, key }) => attempt(() => kind === "prefix" ? removeAll(key)
		: kind === "key" && remove(selected.size > 0 ? [...selected] : [key]));
	const grid = keyGrid(place, { onopen, onchange, ondelete });
	fill(body, grid, empty, h("div.toolbar.foot", status, buttons));
	return grid;
}
