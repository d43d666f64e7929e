// Rows of the list, from the service. A flat list is a tree that has one level.
import { listPage } from "../../api/keys.js";

/** What is not loaded yet. @returns {any} */
export const more = (prefix, depth, after) =>
	({ kind: "more", key: prefix, depth, after, isLoading: false, error: null });

/** @type {kv.rowsOf} */
export function rowsOf({ keys, prefixes, details }, depth) {
	const rows = keys.map((key) => ({ kind: "key", key, depth, ...details[key],
		expires: Date.now() + (details[key]?.ttl ?? Infinity) * 1000 }));
	return !prefixes ? rows : [...rows, ...prefixes.map(({ prefix: key, keys: count }) =>
		({ kind: "prefix", key, depth, count, isOpen: false }))]
		.sort((a, b) => a.key < b.key ? -1 : 1);
}

/** The rows that a row stands for. */
export async function fetchRows({ key: prefix, depth, after }, { isTree, signal }) {
	const delimiter = isTree ? "/" : undefined;
	const page = await listPage({ prefix, after, delimiter, signal });
	const rest = page.next === null ? [] : more(prefix, depth, page.next);
	return rowsOf(page, depth).concat(rest);
}

/** The rows down to the last one in view, with the prefixes that are open. */
export async function fetchAgain(place) {
	const open = new Set(place.rows.map((row) => row.isOpen && row.key));
	const rows = [more(place.prefix, 0)];
	for (let at = 0; at < rows.length && at <= place.last; at += 1) {
		const row = rows[at];
		if (row.kind === "more") {
			rows.splice(at--, 1, ...await fetchRows(row, place));
		} else if (row.kind === "prefix" && open.has(row.key)) {
			row.isOpen = true;
			rows.splice(at + 1, 0, more(row.key, row.depth + 1));
		}
	}
	return rows;
}

/** The address of a key (null: none) in a place. */
export function addressOf({ prefix, isTree }, key) {
	const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
	return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}
