// The rows of the list, and where the user is. A flat list is a tree of one level.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { ROW } from "../../ui/virtual-list.js";

/** What is not loaded yet. @returns {any} */
const more = (prefix, depth, after) => ({ kind: "more", key: prefix, depth, after });

function rowsOf(/** @type {Page} */ { keys, prefixes, details }, depth) {
	const rows = keys.map((key) => ({ kind: "key", key, depth, ...details[key],
		expires: Date.now() + (details[key]?.ttl ?? Infinity) * 1000 }));
	return !prefixes ? rows : [...rows, ...prefixes.map(({ prefix: key, keys: count }) =>
		({ kind: "prefix", key, depth, count, isOpen: false }))]
		.sort((a, b) => a.key < b.key ? -1 : 1);
}

export class Place {
	top = 0; // pixels above the view
	last = 0; // row in view
	active = 0; // row
	selected = new Set();
	key;
	signal;
	onchange = () => {};

	constructor(prefix, isTree) {
		this.prefix = prefix;
		this.isTree = isTree;
		this.rows = /** @type {Row[]} */ ([more(prefix, 0)]);
	}

	find(key, kind = "key") {
		return this.rows.findIndex((row) => row.key === key && row.kind === kind);
	}

	#splice(at, removed, added) {
		this.rows.splice(at, removed, ...added);
		if (at < this.active) this.active += added.length - removed;
		this.onchange();
	}

	async #fetch({ key: prefix, depth, after }) {
		const { isTree, signal } = this;
		const delimiter = isTree ? "/" : undefined;
		const page = await listPage({ prefix, after, delimiter, signal });
		const rest = page.next === null ? [] : more(prefix, depth, page.next);
		return rowsOf(page, depth).concat(rest);
	}

	async load(row) {
		row.error = null;
		const rows = await this.#fetch(row).catch((error) => {
			row.error = isAbort(error) ? undefined : error;
			return [row];
		});
		const at = this.rows.lastIndexOf(row);
		if (at === -1) return;
		this.#splice(at, 1, rows);
		if (at > 0) return;
		this.active = this.find(this.key);
		this.top = (this.active - 3) * ROW;
		this.onchange();
	}

	toggle(row) {
		const at = this.rows.indexOf(row) + 1;
		row.isOpen = !row.isOpen;
		if (row.isOpen) return this.#splice(at, 0, [more(row.key, row.depth + 1)]);
		const end = this.rows.findIndex(({ depth }, i) => i >= at && depth <= row.depth);
		this.#splice(at, end === -1 ? Infinity : end - at, []);
	}

	/** Loads the rows down to the last one in view, and open prefixes. */
	async reload() {
		const open = new Set(this.rows.map((row) => row.isOpen && row.key));
		const rows = [more(this.prefix, 0)];
		for (let at = 0; at < rows.length && at <= this.last; at += 1) {
			const row = rows[at];
			if (row.kind === "more") rows.splice(at--, 1, ...await this.#fetch(row));
			else if (row.kind === "prefix" && (row.isOpen = open.has(row.key))) {
				rows.splice(at + 1, 0, more(row.key, row.depth + 1));
			}
		}
		const { key, kind } = this.rows[this.active] ?? {};
		this.rows = rows;
		const at = this.find(key, kind);
		if (at !== -1) this.active = at;
		this.onchange();
	}

	/** After a key was written or deleted. A tree also counts keys. */
	async reread(key) {
		const page = await listPage({ prefix: key, limit: 1, signal: this.signal });
		const at = this.find(key);
		const exists = page.keys[0] === key;
		if (!exists) this.selected.delete(key);
		if (at === -1 || (this.isTree && !exists)) return this.reload();
		this.#splice(at, 1, exists ? rowsOf(page, this.rows[at].depth) : []);
	}
}
