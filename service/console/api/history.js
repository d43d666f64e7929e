// Calls on the history of a key.
import { elements, entries } from "../text/json-text.js";
import { call } from "./client.js";

/**
 * `text` null: deleted, or expired.
 * @typedef {{revision: number, at: number | null, by: string | null,
 *   expired?: boolean, text: string | null}} Entry
 */

/**
 * A page of changes, the newest first. The log has all those after `oldest`.
 * @param {string} key @param {number | null} before @param {AbortSignal} [signal]
 * @returns {Promise<{changes: Entry[], oldest: number, next: number | null}>}
 */
export async function historyOf(key, before, signal, limit = 50) {
  const query = { key, before, limit };
  const { text } = await call("GET", "api/history", { query, signal });
  const { changes = "[]", ...rest } = Object.fromEntries(entries(text));
  return { ...parsed(rest), changes: elements(changes).map((change) => {
    const { value = null, ...details } = Object.fromEntries(entries(change));
    return { ...parsed(details), text: value };
  }) };
}

/** @param {Record<string, string>} members @returns {any} */
const parsed = (members) => Object.fromEntries(
  Object.entries(members).map(([name, text]) => [name, JSON.parse(text)]));
