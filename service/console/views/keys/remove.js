// Deletes some keys, or all keys with a prefix.
import { deleteKeys, listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { describe } from "../../text/problems.js";
import { button, confirmDialog, h, keyText, notify, openDialog } from "../../ui/index.js";
import { deleteAllText, keysText } from "./row.js";

export const deleteText = (n) =>
	t("Delete {keys}", "Удалить {keys}", { keys: keysText(n) });

const deletedText = (n) =>
	t("Deleted: {keys}.", "Удалено: {keys}.", { keys: keysText(n) });

/** Returns whether the user agreed. @type {kv.removeKeys} */
export async function removeKeys(keys, conditions) {
	const action = deleteText(keys.length);
	const text = [...keys.slice(0, 5).map(keyText), keys.length > 5 && "…"];
	if (!await confirmDialog({ title: action, action, danger: true,
		text: text.map((line) => h("div", line)) })) return false;
	notify(deletedText(await deleteKeys(keys, conditions)));
	return true;
}

/** Has the user type the prefix, and deletes page by page. */
export async function removePrefix(prefix) {
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
	try {
		do {
			const page = await listPage({ prefix, after, signal: stop.signal });
			// a deletion is not cancelled: its number would not be known
			if (page.keys.length > 0) deleted += await deleteKeys(page.keys);
			status.textContent = deletedText(deleted);
			after = page.next;
		} while (after !== null);
		notify(deletedText(deleted));
	} catch (error) {
		const why = isAbort(error) ? t("Cancelled.", "Отменено.") : describe(error);
		notify(`${why} ${deletedText(deleted)}`, "error");
	}
	dialog.close();
}
