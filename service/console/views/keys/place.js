// The place in the list: its rows, and where the user is. Kept until the page ends.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { ROW } from "../../ui/virtual-list.js";
import { fetchRows, more, rowsOf } from "./rows.js";

/** `key` is open; `active` is the row of the keyboard. */
export class Place {
	top = 0; // pixels above the view
	last = 0; // row in view
	active = 0;
	anchor = 0; // the other end of a range of selected rows
	selected = new Set();
	signal; // of the view
	onchange = () => {};

	constructor(prefix, isTree, key) {
		this.prefix = prefix;
		this.isTree = isTree;
		this.key = key;
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

	async load(row) {
		row.isLoading = true;
		const rows = await fetchRows(row, this).catch((error) => {
			row.error = isAbort(error) ? null : error;
			return [row];
		});
		row.isLoading = false;
		const at = this.rows.lastIndexOf(row);
		if (at === -1 || this.signal.aborted) return;
		this.#splice(at, 1, rows);
		if (at > 0 || row.error) return;
		this.active = Math.max(0, this.find(this.key));
		this.top = (this.active - 3) * ROW;
		this.onchange();
	}

	/** Opens or closes a prefix. */
	toggle(row) {
		const at = this.rows.indexOf(row) + 1;
		row.isOpen = !row.isOpen;
		if (row.isOpen) return this.#splice(at, 0, [more(row.key, row.depth + 1)]);
		const end = this.rows.findIndex(({ depth }, i) => i >= at && depth <= row.depth);
		this.#splice(at, (end === -1 ? this.rows.length : end) - at, []);
	}

	/** Loads the rows down to the last one in view again. */
	async reload() {
		const open = new Set(this.rows.map((row) => row.isOpen && row.key));
		const rows = [more(this.prefix, 0)];
		for (let at = 0; at < rows.length && at <= this.last; at += 1) {
			const row = rows[at];
			if (row.kind === "more") {
				rows.splice(at--, 1, ...await fetchRows(row, this));
			} else if (row.kind === "prefix" && open.has(row.key)) {
				row.isOpen = true;
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
		if (at === -1 || (this.isTree && !exists)) return this.reload();
		this.#splice(at, 1, exists ? rowsOf(page, this.rows[at].depth) : []);
	}
}

let kept;
session.addEventListener("change", () => (kept = null));

/** The place of an address. What that does not say (null) stays as it is. */
export function placeOf(key, prefix, isTree) {
	const around = kept?.prefix ?? "";
	prefix ??= kept && (key ?? around).startsWith(around) ? around
		: key?.slice(0, key.lastIndexOf("/") + 1) ?? "";
	isTree ??= kept?.isTree ?? false;
	if (kept?.prefix !== prefix || kept.isTree !== isTree) {
		kept = new Place(prefix, isTree, key);
	}
	kept.key = key;
	return kept;
}
