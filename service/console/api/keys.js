// Calls on keys. A value is its exact JSON text, never a parsed value.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson } from "./client.js";

/**
 * A page of keys in byte order, with their details.
 * @param {{prefix: string, after?: string | null, delimiter?: string, limit?: number,
 *   signal?: AbortSignal}} options
 * @returns {Promise<Page>}
 */
export const listPage = ({ signal, ...body }) =>
	callJson("POST", "api/list", { json: { ...body, details: true }, signal });

/**
 * The value of a key, or null.
 * @param {string} key @param {AbortSignal} [signal] @returns {Promise<Value | null>}
 */
export async function readKey(key, signal) {
	const json = { keys: [key], revisions: true };
	const { text } = await call("POST", "api/read", { json, signal });
	const { data = "", revisions = "", ttl = "" } = Object.fromEntries(entries(text));
	const value = memberText(data, key);
	return value === undefined ? null : { text: value,
		revision: JSON.parse(revisions)[key], ttl: JSON.parse(ttl)[key] ?? null };
}

/**
 * Writes and deletes keys in one write. A key without a ttl never expires.
 * @param {{data?: [key: string, text: string][], deleted?: string[],
 *   conditions?: Conditions, ttls?: Record<string, number | null>}} write
 * @returns {Promise<number>} the revision of the write
 */
export async function writeKeys({ data = [], deleted, conditions, ttls }) {
	const members = data.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join();
	const rest = JSON.stringify({ delete: deleted, if: conditions, ttls }).slice(1);
	const body = `{"data":{${members}}${rest === "}" ? "" : ","}${rest}`;
	return Number((await call("POST", "api/write", { body })).headers.get("KV-Revision"));
}

/**
 * Deletes keys, all or none, and says how many existed.
 * @param {string[]} keys @param {Conditions} [conditions] @param {AbortSignal} [signal]
 * @returns {Promise<number>}
 */
export const deleteKeys = async (keys, conditions, signal) =>
	(await callJson("POST", "api/delete", { json: { keys, if: conditions }, signal })).deleted;

/**
 * Adds a number to a counter.
 * @param {string} key @param {string} by an integer of 64 bits
 * @returns {Promise<string>} the new number
 */
export async function incrementKey(key, by) {
	const body = `{"data":{${JSON.stringify(key)}:${by}}}`;
	const { text } = await call("POST", "api/increment", { body });
	return elements(elements(text)[0] ?? "")[0] ?? "";
}

/**
 * A page of the changes of a key, the newest first.
 * @param {string} key @param {number | null} before a revision @param {AbortSignal} [signal]
 * @returns {Promise<{changes: Version[], oldest: number, next: number | null}>}
 *   `oldest`: the history has every change after this revision
 */
export async function historyOf(key, before, signal, limit = 50) {
	const query = { key, before, limit };
	const page = entries((await call("GET", "api/history", { query, signal })).text);
	const { changes = "", oldest = "", next = "" } = Object.fromEntries(page);
	return { changes: elements(changes).map(versionOf), oldest: JSON.parse(oldest),
		next: JSON.parse(next) };
}

/** @returns {Version} */
function versionOf(change) {
	const { value: text = null, ...members } = Object.fromEntries(entries(change));
	const parsed = Object.entries(members).map(([name, member]) => [name, JSON.parse(member)]);
	return { ...Object.fromEntries(parsed), text };
}
