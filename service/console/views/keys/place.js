// The address of the view, and where the user is in the list: kept until the page ends.
import { session } from "../../api/session.js";
import { Rows, isKey } from "./rows.js";

/**
 * `key` is open; `active` is the row of the keyboard, first that of `wanted`; a range
 * begins at `anchor`.
 * @typedef {{prefix: string, isTree: boolean, rows: Rows, top: number, active: number,
 *   anchor: number, selected: Set<string>, key: string | null, wanted: string | null,
 *   user?: string}} Place
 */

/** @type {Place | null} */
let kept = null;

/**
 * The place of an address: what it does not say stays as it is.
 * @param {{key: string | null, prefix: string | null, isTree: boolean | null}} address
 * @returns {Place}
 */
export function placeOf(address) {
	const user = session.user?.username;
	const { key } = address;
	const last = kept?.user === user ? kept : null;
	const around = last?.prefix ?? "";
	const prefix = address.prefix ?? (last && (key ?? around).startsWith(around) ? around
		: key?.slice(0, key.lastIndexOf("/") + 1) ?? "");
	const isTree = address.isTree ?? last?.isTree ?? false;
	kept = last?.prefix === prefix && last.isTree === isTree ? last
		: { prefix, isTree, rows: new Rows(prefix, isTree), top: 0, active: 0, anchor: 0,
			selected: new Set(), key, wanted: key, user };
	kept.key = key;
	return kept;
}

/** Selects a range of rows. @param {Place} place @param {number} a @param {number} b */
export function select({ rows, selected }, a, b) {
	for (const row of rows.all.slice(Math.min(a, b), Math.max(a, b) + 1)) {
		if (isKey(row)) selected.add(row.key);
	}
}

/**
 * @param {Context} context
 * @throws {URIError}
 */
export function placeAt({ path, query }) {
	const mode = query.get("mode");
	return placeOf({ key: path === "" ? null : decodeURIComponent(path),
		prefix: query.get("prefix"), isTree: mode === null ? null : mode === "tree" });
}

/** @param {{key: string | null, prefix: string, isTree: boolean}} place */
export function addressOf({ key, prefix, isTree }) {
	const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
	return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}
