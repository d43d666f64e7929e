// The rows of the list. A flat list is a tree that has one level.
import { listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { compareKeys } from "./order.js";

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

/** @param {string} prefix @param {number} depth @returns {Level} */
const newLevel = (prefix, depth) => ({ prefix, depth, after: null, entries: 0,
  hasMore: true, isLoading: false, error: null });

/** @param {import("../../api/keys.js").Page} page @param {Level} level @returns {Row[]} */
export function rowsOf({ keys, prefixes = [], details }, level) {
  const rows = keys.map((key) => {
    const { size = 0, revision = 0, ttl = Infinity } = details[key] ?? {};
    return { level, key, size, revision, expires: Date.now() + ttl * 1000 };
  });
  const inner = prefixes.map(({ prefix, keys: n }) =>
    ({ level, key: prefix, keys: n, inner: null }));
  return inner.length === 0 ? rows
    : [...rows, ...inner].sort((a, b) => compareKeys(a.key, b.key));
}

/** What is loaded and open. `onchange(at, n)`: n rows were added, or removed, at `at`. */
export class Rows {
  /** @type {(at: number, n: number) => void} */
  onchange = () => {};

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

  /** Loads the next entries of a level. @param {Level} level @param {AbortSignal} signal */
  async load(level, signal) {
    if (level.isLoading) {
      return;
    }
    level.isLoading = true;
    level.error = null;
    /** @type {Row[]} */
    let added = [];
    try {
      while (added.length === 0 && level.hasMore) {
        const { prefix, after } = level;
        const delimiter = this.isTree ? "/" : undefined;
        const page = await listPage({ prefix, after, delimiter, limit: LIMIT, signal });
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

  /** Opens or closes a prefix. @param {number} at */
  toggle(at) {
    const row = this.all[at];
    if (!isPrefix(row)) {
      return;
    }
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
