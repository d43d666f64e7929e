// Brings the list up to date: all of it, or a key that was written or deleted.
import { listPage } from "../../api/keys.js";
import { compareKeys } from "./order.js";
import { Rows, isKey, isPrefix, rowsOf } from "./rows.js";

/**
 * Loads the list again, with the prefixes that are open, down to a row.
 * @param {Rows} rows
 * @param {() => number} until index of the last row that is needed
 * @param {AbortSignal} signal
 */
export async function reload(rows, until, signal) {
  const open = new Set(rows.all.map((row) => isPrefix(row) && row.inner ? row.key : null));
  const fresh = new Rows(rows.root.prefix, rows.isTree);
  for (let at = 0; at < fresh.all.length && at <= until(); at += 1) {
    const row = fresh.all[at];
    if (row?.key === null) {
      await fresh.load(row.level, signal);
      if (row.level.error !== null) {
        throw row.level.error;
      }
      if (signal.aborted) {
        return;
      }
      at -= 1;
    } else if (isPrefix(row) && open.has(row.key)) {
      fresh.toggle(at);
    }
  }
  rows.root = fresh.root;
  rows.all = fresh.all;
}

/**
 * Removes keys from a flat list.
 * @param {Rows} rows
 * @param {Set<string>} keys
 */
export function drop(rows, keys) {
  const count = rows.all.length;
  rows.all = rows.all.filter((row) => row.key === null || !keys.has(row.key));
  rows.root.entries -= count - rows.all.length;
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
  const exists = page.keys[0] === key;
  const at = rows.all.findIndex((row) => isKey(row) && row.key === key);
  const row = rows.all[at];
  if (exists && row) {
    rows.splice(at, 1, rowsOf(page, row.level));
    return true;
  }
  if (rows.isTree) {
    return false;
  }
  if (row) {
    rows.root.entries -= 1;
    rows.splice(at, 1, []);
  } else if (exists && key.startsWith(rows.root.prefix)) {
    insert(rows, rowsOf(page, rows.root));
  }
  return true;
}

/** Adds a key where it belongs, if that part is loaded. @param {Rows} rows @param {import("./rows.js").Row[]} added */
function insert(rows, added) {
  let low = 0;
  let high = rows.all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = rows.all[middle]?.key ?? null;
    if (other === null || compareKeys(other, added[0]?.key ?? "") > 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (low < rows.all.length || !rows.root.hasMore) {
    const next = rows.all[low];
    if (next?.key !== null) {
      rows.root.entries += 1;
      rows.splice(low, 0, added);
    }
  }
}
