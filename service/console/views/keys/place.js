// Where the user is in the list: kept when the user leaves the view and returns.
import { session } from "../../api/session.js";
import { Rows } from "./rows.js";

/**
 * @typedef {{prefix: string, isTree: boolean, rows: Rows, top: number, active: number,
 *   anchor: number, selected: Set<string>, key: string | null, user: string}} Place
 * `key` is open; `active` is the row of the keyboard; `anchor` is where a range begins.
 */

/** @param {string} prefix @param {boolean} isTree @returns {Place} */
const newPlace = (prefix, isTree) => ({ prefix, isTree, rows: new Rows(prefix, isTree),
  top: 0, active: 0, anchor: 0, selected: new Set(), key: null,
  user: session.user?.username ?? "" });

/** @type {Place | null} */
let kept = null;

/**
 * The place of an address: what it does not say stays as it is.
 * @param {import("./address.js").Address} address
 * @returns {Place}
 */
export function placeOf({ key, prefix, isTree }) {
  if (kept?.user !== session.user?.username) {
    kept = null;
  }
  const stays = kept !== null && (key ?? kept.prefix).startsWith(kept.prefix);
  const around = key === null ? "" : key.slice(0, key.lastIndexOf("/") + 1);
  const wanted = prefix ?? (stays ? kept?.prefix ?? "" : around);
  const mode = isTree ?? kept?.isTree ?? false;
  if (kept === null || kept.prefix !== wanted || kept.isTree !== mode) {
    kept = newPlace(wanted, mode);
  }
  kept.key = key;
  return kept;
}
