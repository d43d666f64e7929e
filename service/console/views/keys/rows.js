// The rows of the list. A flat list is a tree that has one level.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";

/** Keys of a page. The service may send fewer. */
const LIMIT = 1000;

/**
 * @typedef {{prefix: string, depth: number, after: string | null, entries: number,
 *   hasMore: boolean, isLoading: boolean, error: unknown}} Level
 * @typedef {{level: Level, key: string, size: number, revision: number,
 *   expires: number}} KeyRow `expires` in milliseconds since 1970; Infinity: never
 * @typedef {{level: Level, key: string, keys: number | null,
 *   inner: Level | null}} PrefixRow `key` is the prefix; `inner` is its open level
 * @typedef {{level: Level, key: null}} MoreRow stands for what is not loaded yet
 * @typedef {KeyRow | PrefixRow | MoreRow} Row
 */

/** @param {Row | undefined} row @returns {row is KeyRow} */
export const isKey = (row) => row !== undefined && "size" in row;
/** @param {Row | undefined} row @returns {row is PrefixRow} */
export const isPrefix = (row) => row !== undefined && "inner" in row;

/** @returns {Level} */
const newLevel = (prefix = "", depth = 0) => ({ prefix, depth, after: null, entries: 0,
	hasMore: true, isLoading: false, error: null });

/** What sorts by code points, as UTF-8 does: surrogates come last. @param {Row} row */
const sortable = ({ key }) => key?.replace(/[\ue000-\uffff]/g, "\ud7ff$&") ?? "";

/**
 * @param {Page} page @param {Level} level
 * @returns {Row[]}
 */
export function rowsOf({ keys, prefixes = [], details }, level) {
	const rows = /** @type {Row[]} */ (keys.map((key) => {
		const { size = 0, revision = 0, ttl = Infinity } = details[key] ?? {};
		return { level, key, size, revision, expires: Date.now() + ttl * 1000 };
	}));
	if (prefixes.length === 0) return rows;
	rows.push(...prefixes.map((one) =>
		({ level, key: one.prefix, keys: one.keys, inner: null })));
	return rows.sort((a, b) => sortable(a) < sortable(b) ? -1 : 1);
}

/** What is loaded and open. */
export class Rows {
	/** Called when `n` rows were added at a row, or removed. */
	onchange = (/** @type {number} */ _at, /** @type {number} */ _n) => {};

	/** @param {string} prefix @param {boolean} isTree */
	constructor(prefix, isTree) {
		this.isTree = isTree;
		this.root = newLevel(prefix, 0);
		/** @type {Row[]} */
		this.all = [{ level: this.root, key: null }];
	}

	/** @param {number} at @param {number} removed @param {Row[]} added */
	splice(at, removed, added) {
		this.all.splice(at, removed, ...added);
		this.onchange(at, added.length - removed);
	}

	/** Loads a page. @param {Level} level @param {AbortSignal} signal */
	async load(level, signal) {
		level.isLoading = true;
		level.error = null;
		let added = /** @type {Row[]} */ ([]);
		try {
			while (added.length === 0 && level.hasMore) {
				const page = await listPage({ prefix: level.prefix, after: level.after, signal,
					delimiter: this.isTree ? "/" : undefined, limit: LIMIT });
				added = rowsOf(page, level);
				level.after = page.next;
				level.hasMore = page.next !== null;
			}
		} catch (error) {
			level.error = isAbort(error) ? null : error;
		}
		level.isLoading = false;
		level.entries += added.length;
		const at = this.all.findLastIndex((row) => row.level === level && row.key === null);
		if (at !== -1) {
			this.splice(at, 1, level.hasMore ? [...added, { level, key: null }] : added);
		}
	}

	/** Opens or closes a prefix. @param {number} at @param {PrefixRow} row */
	toggle(at, row) {
		const { depth } = row.level;
		if (row.inner === null) {
			row.inner = newLevel(row.key, depth + 1);
			return this.splice(at + 1, 0, [{ level: row.inner, key: null }]);
		}
		const end = this.all.findIndex((other, i) => i > at && other.level.depth <= depth);
		row.inner = null;
		this.splice(at + 1, (end === -1 ? this.all.length : end) - at - 1, []);
	}
}
