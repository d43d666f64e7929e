// Calls on the history of a key.
import { elements, entries, memberText } from "../text/json-text.js";
import { call } from "./client.js";

/**
 * `text` null: the key was deleted, or it had expired.
 * @typedef {{revision: number, at: number | null, by: string | null,
 *   expired?: boolean, text: string | null}} Entry
 * `oldest`: the history has every change after this revision.
 * @typedef {{changes: Entry[], oldest: number, next: number | null}} History
 */

/**
 * A page of the changes of a key, the newest first.
 * @param {string} key @param {number | null} before
 * @param {AbortSignal} [signal]
 * @returns {Promise<History>}
 */
export async function historyOf(key, before, signal, limit = 50) {
  const query = { key, before, limit };
  const { text } = await call("GET", "api/history", { query, signal });
  const page = Object.fromEntries(entries(text));
  return { changes: elements(page.changes ?? "[]").map(entryOf),
    oldest: Number(page.oldest), next: JSON.parse(page.next ?? "null") };
}

/** @param {string} element @returns {Entry} */
function entryOf(element) {
  const members = entries(element).filter(([name]) => name !== "value");
  const parsed = members.map(([name, text]) => [name, JSON.parse(text)]);
  return { ...Object.fromEntries(parsed), text: memberText(element, "value") ?? null };
}
