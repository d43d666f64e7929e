// Deletes selected keys, or all keys with a prefix.
import { deleteKeys, listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t, tn } from "../../locale.js";
import { describe } from "../../text/problems.js";
import {
	button, confirmDialog, h, keyText, notify, openDialog
} from "../../ui/index.js";

/** Keys of a call. */
const BATCH = 1000;

/** @param {number} n */
const deletedText = (n) => tn(n, ["{n} key was deleted.", "{n} keys were deleted."],
	["Удалён {n} ключ.", "Удалено {n} ключа.", "Удалено {n} ключей."]);

/**
 * Runs a deletion, and says how it ended.
 * @param {(count: (n: number) => void) => Promise<void>} run
 * @param {Element} [status] says how many keys were deleted until now
 */
async function report(run, status) {
	let deleted = 0;
	try {
		await run((n) => {
			deleted += n;
			status?.replaceChildren(deletedText(deleted));
		});
		notify(deletedText(deleted));
	} catch (error) {
		const why = isAbort(error) ? t("Cancelled.", "Отменено.") : describe(error);
		notify(`${why} ${deletedText(deleted)}`, "error");
	}
	return deleted > 0;
}

/**
 * Asks, and deletes keys.
 * @param {string[]} keys
 * @returns {Promise<Set<string>>} the keys that no longer exist
 */
export async function removeKeys(keys) {
	const gone = /** @type {Set<string>} */ (new Set());
	const title = tn(keys.length, ["Delete {n} key", "Delete {n} keys"],
		["Удалить {n} ключ", "Удалить {n} ключа", "Удалить {n} ключей"]);
	const text = [keys.slice(0, 5).map((key) => h("div", keyText(key))),
		keys.length > 5 && "…"];
	const action = t("Delete", "Удалить");
	if (keys.length > 0 && await confirmDialog({ title, text, action, danger: true })) {
		await report(async (count) => {
			for (let at = 0; at < keys.length; at += BATCH) {
				const batch = keys.slice(at, at + BATCH);
				count(await deleteKeys(batch));
				batch.forEach((key) => gone.add(key));
			}
		});
	}
	return gone;
}

/**
 * Has the user type the prefix, and deletes its keys, page by page.
 * @param {string} prefix
 * @returns {Promise<boolean>} whether keys were deleted
 */
export async function removePrefix(prefix) {
	const title = t(
		"Delete all keys with this prefix", "Удалить все ключи с этим префиксом");
	const text = prefix ? keyText(prefix) : t(
		"All keys of the store.", "Все ключи хранилища.");
	const typed = prefix || session.user?.username;
	const action = t("Delete all", "Удалить все");
	if (!await confirmDialog({ title, text, action, danger: true, typed })) return false;
	const stop = new AbortController();
	const status = h("p", { role: "status" });
	const dialog = openDialog(title, [
		h("progress", { "aria-label": title }), status,
		h("div.actions", button(t("Cancel", "Отмена"), () => stop.abort()))], { onclose: () => stop.abort() });
	const done = await report(async (count) => {
		let page;
		do {
			const { signal } = stop;
			page = await listPage({ prefix, after: page?.next, limit: BATCH, signal });
			// a deletion is not cancelled: its number would not be known
			count(page.keys.length > 0 ? await deleteKeys(page.keys) : 0);
		} while (page.next !== null);
	}, status);
	dialog.close();
	return done;
}
