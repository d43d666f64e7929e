// The place in the list: its rows, and where the user is. Kept until the page ends.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { ROW } from "../../ui/virtual-list.js";
import { fetchAgain, fetchRows, more, rowsOf } from "./rows.js";

export class Place {
	top = 0; // pixels above the view
	last = 0; // row in view
	active = 0; // row
	anchor = 0; // other end of a selection
	selected = new Set();
	signal;
	onchange = () => {};

	constructor(prefix, isTree, key) {
		this.prefix = prefix;
		this.isTree = isTree;
		this.key = key;
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
		this.#splice(at, (end === -1 ? this.rows.length : end) - at, []);
	}

	async reload() {
		const rows = await fetchAgain(this);
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
	const isSame = kept?.prefix === prefix && kept.isTree === isTree;
	if (!isSame) kept = new Place(prefix, isTree, key);
	kept.key = key;
	return kept;
}
