// Where the user is in the list, and its rows. A flat list is a tree that has one level.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";

/** Keys of a page. The service may send fewer. */
const LIMIT = 1000;

/** @type {Place | null} */
let kept = null;
session.addEventListener("change", () => (kept = null));

/** @returns {MoreRow} */
const more = (prefix, depth, after = null) =>
	({ kind: "more", key: prefix, depth, after, isLoading: false, error: null });

/** What sorts by code points, as UTF-8 does: surrogates come last. */
const sortable = ({ key }) => key.replace(/[\ue000-\uffff]/g, "\ud7ff$&");

/** @returns {Row[]} */
function rowsOf({ keys, prefixes = [], details }, depth) {
	const rows = keys.map((key) => {
		const { size, revision, ttl = Infinity } = details[key];
		return { kind: "key", key, depth, size, revision, expires: Date.now() + ttl * 1000 };
	});
	if (prefixes.length === 0) return rows;
	rows.push(...prefixes.map(({ prefix, keys: count }) =>
		({ kind: "prefix", key: prefix, depth, count, isOpen: false })));
	return rows.sort((a, b) => sortable(a) < sortable(b) ? -1 : 1);
}

/** `key` is open; `active` is the row of the keyboard, first that of `wanted`. */
export class Place {
	/** Pixels above the view, and the last row in it. */
	top = 0;
	last = 0;
	active = 0;
	/** A range of selected rows begins there. */
	anchor = 0;
	selected = /** @type {Set<string>} */ (new Set());
	signal = new AbortController().signal;
	onchange = () => {};

	constructor(prefix, isTree, key) {
		this.prefix = prefix;
		this.isTree = isTree;
		this.key = this.wanted = /** @type {string | null} */ (key);
		this.rows = /** @type {Row[]} */ ([more(prefix, 0)]);
	}

	/** The row of a key or a prefix, or -1. */
	find(key, kind = "key") {
		return this.rows.findIndex((row) => row.key === key && row.kind === kind);
	}

	#splice(at, removed, added) {
		this.rows.splice(at, removed, ...added);
		if (at < this.active) this.active += added.length - removed;
		this.onchange();
	}

	/** The rows that a row stands for. */
	async #fetch({ key: prefix, depth, after }) {
		const delimiter = this.isTree ? "/" : undefined;
		const { signal } = this;
		const page = await listPage({ prefix, after, delimiter, limit: LIMIT, signal });
		const rows = rowsOf(page, depth);
		return page.next === null ? rows : [...rows, more(prefix, depth, page.next)];
	}

	/** Loads a page. @param {MoreRow} row */
	async load(row) {
		row.isLoading = true;
		try {
			const rows = await this.#fetch(row);
			const at = this.rows.lastIndexOf(row);
			if (at !== -1) this.#splice(at, 1, rows);
		} catch (error) {
			if (isAbort(error)) return;
			row.error = error;
			this.onchange();
		} finally {
			row.isLoading = false;
		}
	}

	/** Opens or closes a prefix. @param {PrefixRow} row */
	toggle(row) {
		const at = this.rows.indexOf(row) + 1;
		row.isOpen = !row.isOpen;
		if (row.isOpen) return this.#splice(at, 0, [more(row.key, row.depth + 1)]);
		const end = this.rows.findIndex(({ depth }, i) => i >= at && depth <= row.depth);
		this.#splice(at, (end === -1 ? this.rows.length : end) - at, []);
	}

	/** Loads the rows down to the last one in view again. */
	async reload() {
		const open = new Set(this.rows.map((row) =>
			row.kind === "prefix" && row.isOpen && row.key));
		const rows = /** @type {Row[]} */ ([more(this.prefix, 0)]);
		for (let at = 0; at < rows.length && at <= this.last; at += 1) {
			const row = rows[at];
			if (row?.kind === "more") {
				rows.splice(at, 1, ...await this.#fetch(row));
				at -= 1;
			} else if (row?.kind === "prefix" && open.has(row.key)) {
				row.isOpen = true;
				rows.splice(at + 1, 0, more(row.key, row.depth + 1));
			}
		}
		const before = this.rows[this.active];
		this.rows = rows;
		const at = this.find(before?.key, before?.kind);
		if (at !== -1) this.active = at;
		this.onchange();
	}

	/** After a key was written or deleted. A tree also counts keys. */
	async reread(key) {
		const page = await listPage({ prefix: key, limit: 1, signal: this.signal });
		const at = this.find(key);
		const exists = page.keys[0] === key;
		if (at === -1 && !exists) return;
		if (at === -1 || (this.isTree && !exists)) return this.reload();
		this.#splice(at, 1, exists ? rowsOf(page, this.rows[at]?.depth) : []);
	}

	/** After keys were deleted. @param {Set<string>} keys */
	async drop(keys) {
		if (this.isTree) return this.reload();
		this.rows = this.rows.filter(({ kind, key }) => kind === "more" || !keys.has(key));
		this.onchange();
	}

	/** Selects the keys of a range of rows. */
	select(a, b) {
		for (const { kind, key } of this.rows.slice(Math.min(a, b), Math.max(a, b) + 1)) {
			if (kind === "key") this.selected.add(key);
		}
	}
}

/** The place of an address. What that does not say (null) stays as it is. */
export function placeOf({ key, prefix, isTree }) {
	const around = kept?.prefix ?? "";
	prefix ??= kept && (key ?? around).startsWith(around) ? around
		: key?.slice(0, key.lastIndexOf("/") + 1) ?? "";
	isTree ??= kept?.isTree ?? false;
	if (kept?.prefix !== prefix || kept?.isTree !== isTree) {
		kept = new Place(prefix, isTree, key);
	}
	kept.key = key;
	return kept;
}

export function addressOf({ key, prefix, isTree }) {
	const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
	return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}
