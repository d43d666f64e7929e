// Calls on keys. A value is its exact JSON text, never a parsed value.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson } from "./client.js";

/** Keys in byte order. @type {kv.listPage} */
export const listPage = ({ signal, ...body }) =>
	callJson("POST", "api/list", { json: { ...body, details: true }, signal });

/** The value of a key, or null. @type {kv.readKey} */
export async function readKey(key, signal) {
	const json = { keys: [key], revisions: true };
	const { text } = await call("POST", "api/read", { json, signal });
	const { data, revisions, ttl } = Object.fromEntries(entries(text));
	const value = memberText(data, key);
	return value === undefined ? null : { text: value,
		revision: JSON.parse(revisions)[key], ttl: JSON.parse(ttl)[key] ?? null };
}

/** Returns the revision of the write. @param {Write} write */
export async function writeKeys({ data = [], deleted, conditions, ttls }) {
	const members = data.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join();
	const rest = JSON.stringify({ delete: deleted, if: conditions, ttls }).slice(1);
	const body = `{"data":{${members}}${rest === "}" ? "" : ","}${rest}`;
	return Number((await call("POST", "api/write", { body })).headers.get("KV-Revision"));
}

/** Deletes all of the keys or none, and says how many existed. @type {kv.deleteKeys} */
export async function deleteKeys(keys, conditions, signal) {
	const json = { keys, if: conditions };
	return (await callJson("POST", "api/delete", { json, signal })).deleted;
}

/** Adds an integer of 64 bits to a counter. @type {kv.incrementKey} */
export const incrementKey = (key, by) =>
	call("POST", "api/increment", { body: `{"data":{${JSON.stringify(key)}:${by}}}` });

/** The changes of a key before a revision, the newest first. @type {kv.historyOf} */
export async function historyOf(key, before, signal, limit = 50) {
	const query = { key, before, limit };
	const { text } = await call("GET", "api/history", { query, signal });
	const { changes, oldest, next } = Object.fromEntries(entries(text));
	return { changes: elements(changes).map(versionOf), oldest: JSON.parse(oldest),
		next: JSON.parse(next) };
}

/** @returns {Version} */
function versionOf(/** @type {string} */ change) {
	const { value: text = null, revision, at, by, expired } =
		Object.fromEntries(entries(change));
	return { text, revision: Number(revision), at: JSON.parse(at), by: JSON.parse(by),
		expired: expired === "true" };
}
