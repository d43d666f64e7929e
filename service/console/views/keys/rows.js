// Rows of the list, from the service. A flat list is a tree that has one level.
import { listPage } from "../../api/keys.js";

/** What is not loaded yet. @returns {any} */
export const more = (prefix, depth, after) =>
	({ kind: "more", key: prefix, depth, after, isLoading: false, error: null });

/** What sorts by code points, as UTF-8 does: surrogates come last. */
const sortable = ({ key }) => key.replace(/[\ue000-\uffff]/g, "\ud7ff$&");

/** @param {Page} page @returns {any[]} */
export function rowsOf({ keys, prefixes, details }, depth) {
	const rows = keys.map((key) => ({ kind: "key", key, depth, ...details[key],
		expires: Date.now() + (details[key]?.ttl ?? Infinity) * 1000 }));
	return !prefixes ? rows : [...rows, ...prefixes.map(({ prefix: key, keys: count }) =>
		({ kind: "prefix", key, depth, count, isOpen: false }))]
		.sort((a, b) => sortable(a) < sortable(b) ? -1 : 1);
}

/** The rows that a row stands for. */
export async function fetchRows({ key: prefix, depth, after }, { isTree, signal }) {
	const delimiter = isTree ? "/" : undefined;
	const page = await listPage({ prefix, after, delimiter, signal });
	const rest = page.next === null ? [] : more(prefix, depth, page.next);
	return rowsOf(page, depth).concat(rest);
}

/** The address of a key, or of no key (null), in a place. */
export function addressOf({ prefix, isTree }, key) {
	const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
	return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}
