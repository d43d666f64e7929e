// Brings the list up to date: all of it, or a key that was written or deleted.
import { listPage } from "../../api/keys.js";
import { Rows, isKey, isPrefix, rowsOf } from "./rows.js";

/**
 * Loads the list again, with the prefixes that are open, down to a row.
 * @param {Rows} rows
 * @param {() => number} until the index of that row
 * @param {AbortSignal} signal
 */
export async function reload(rows, until, signal) {
	const open = new Set(rows.all.map((row) => isPrefix(row) && row.inner && row.key));
	const fresh = new Rows(rows.root.prefix, rows.isTree);
	for (let at = 0; at < fresh.all.length && at <= until(); at += 1) {
		const row = fresh.all[at];
		if (row?.key === null) {
			at -= 1;
			await fresh.load(row.level, signal);
			signal.throwIfAborted();
			if (row.level.error !== null) throw row.level.error;
		} else if (isPrefix(row) && open.has(row.key)) {
			fresh.toggle(at, row);
		}
	}
	Object.assign(rows, { root: fresh.root, all: fresh.all });
}

/** Removes keys from a flat list. @param {Rows} rows @param {Set<string>} keys */
export function drop(rows, keys) {
	rows.all = rows.all.filter((row) => row.key === null || !keys.has(row.key));
}

/**
 * Reads the details of a key again.
 * @param {Rows} rows
 * @param {string} key
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether that was enough: a tree also counts keys
 */
export async function reread(rows, key, signal) {
	const page = await listPage({ prefix: key, limit: 1, signal });
	const at = rows.all.findIndex((row) => isKey(row) && row.key === key);
	const row = rows.all[at];
	const exists = page.keys[0] === key;
	if (row && (exists || !rows.isTree)) {
		rows.splice(at, 1, exists ? rowsOf(page, row.level) : []);
		return true;
	}
	return row === undefined && !exists;
}
