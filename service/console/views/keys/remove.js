// Deletes selected keys, or all keys with a prefix.
import { deleteKeys, listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { describe } from "../../text/problems.js";
import {
	button, confirmDialog, h, keyText, notify, openDialog
} from "../../ui/index.js";
import { keysText } from "./row.js";

/** Keys of a call. */
const BATCH = 1000;

/** @param {number} n */
export const deleteText = (n) =>
	t("Delete {keys}", "Удалить {keys}", { keys: keysText(n) });

/** Runs a deletion, and says how it ended. Whether any key was deleted. */
async function report(run, status) {
	let deleted = 0;
	const text = () => t("Deleted: {keys}.", "Удалено: {keys}.", { keys: keysText(deleted) });
	try {
		await run((n) => {
			deleted += n;
			status?.replaceChildren(text());
		});
		notify(text());
	} catch (error) {
		const why = isAbort(error) ? t("Cancelled.", "Отменено.") : describe(error);
		notify(`${why} ${text()}`, "error");
	}
	return deleted > 0;
}

/**
 * Asks, and deletes keys.
 * @param {string[]} keys @param {Conditions} [conditions]
 * @returns {Promise<Set<string>>} those that no longer exist
 */
export async function removeKeys(keys, conditions) {
	const gone = new Set();
	const text = [keys.slice(0, 5).map((key) => h("div", keyText(key))),
		keys.length > 5 && "…"];
	if (await confirmDialog({ title: deleteText(keys.length), text, danger: true,
		action: t("Delete", "Удалить") })) {
		await report(async (count) => {
			for (let at = 0; at < keys.length; at += BATCH) {
				const batch = keys.slice(at, at + BATCH);
				count(await deleteKeys(batch, conditions));
				batch.forEach((key) => gone.add(key));
			}
		});
	}
	return gone;
}

/**
 * Has the user type a prefix, and deletes its keys, page by page.
 * @param {string} prefix
 * @returns {Promise<boolean>} whether any key was deleted
 */
export async function removePrefix(prefix) {
	const title = t("Delete all keys with this prefix", "Удалить все с этим префиксом");
	const text = prefix ? keyText(prefix) : t("All keys of the store", "Все ключи хранилища");
	const typed = prefix || session.user?.username;
	const action = t("Delete all", "Удалить все");
	if (!await confirmDialog({ title, text, action, danger: true, typed })) return false;
	const stop = new AbortController();
	const { signal } = stop;
	const status = h("p", { role: "status" });
	const dialog = openDialog(title, [h("progress", { "aria-label": title }), status,
		h("div.actions", button(t("Cancel", "Отмена"), () => stop.abort()))],
	{ onclose: () => stop.abort() });
	const isChanged = await report(async (count) => {
		let page;
		do {
			page = await listPage({ prefix, after: page?.next, limit: BATCH, signal });
			// a deletion is not cancelled: its number would not be known
			count(page.keys.length > 0 ? await deleteKeys(page.keys) : 0);
		} while (page.next !== null);
	}, status);
	dialog.close();
	return isChanged;
}
