// Calls on keys. A value is its exact JSON text, never a parsed value.
import { memberText } from "../text/json-text.js";
import { call, callJson } from "./client.js";

/**
 * @typedef {{size: number, revision: number, ttl?: number}} Details
 * @typedef {{prefix: string, keys: number | null}} Prefix `keys` null: more than 1,000
 * @typedef {{keys: string[], prefixes?: Prefix[], details: Record<string, Details>,
 *   next: string | null}} Page
 * @typedef {{text: string, revision: number, ttl: number | null}} Value ttl in seconds
 * @typedef {Record<string, number | null>} Conditions revisions; null: must not exist
 */

/**
 * A page of keys in byte order, with their details.
 * @param {{prefix: string, after?: string | null, delimiter?: string, limit?: number,
 *   signal?: AbortSignal}} options
 * @returns {Promise<Page>}
 */
export function listPage({ signal, ...body }) {
  return callJson("POST", "api/list", { json: { ...body, details: true }, signal });
}

/**
 * The value of a key, or null.
 * @param {string} key
 * @param {AbortSignal} [signal]
 * @returns {Promise<Value | null>}
 */
export async function readKey(key, signal) {
  const body = { keys: [key], revisions: true };
  const { text } = await call("POST", "api/read", { json: body, signal });
  const value = memberText(memberText(text, "data") ?? "{}", key);
  if (value === undefined) {
    return null;
  }
  const revisions = JSON.parse(memberText(text, "revisions") ?? "{}");
  const ttl = JSON.parse(memberText(text, "ttl") ?? "{}");
  return { text: value, revision: revisions[key], ttl: ttl[key] ?? null };
}

/**
 * Writes and deletes keys in one write.
 * @param {{data?: [string, string][], deleted?: string[], conditions?: Conditions,
 *   ttls?: Record<string, number | null>, signal?: AbortSignal}} write
 *   `data`: keys and the JSON texts of their values. A key without a ttl never expires.
 * @returns {Promise<number>} the revision of the write
 */
export async function writeKeys({ data = [], deleted, conditions, ttls, signal }) {
  const members = data.map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  const rest = JSON.stringify({ delete: deleted, if: conditions, ttls });
  const body = `{"data":{${members.join(",")}}${rest === "{}" ? "" : `,${rest.slice(1, -1)}`}}`;
  const { headers } = await call("POST", "api/write", { body, signal });
  return Number(headers.get("KV-Revision"));
}

/**
 * Deletes keys, all or none.
 * @param {string[]} keys
 * @param {Conditions} [conditions]
 * @param {AbortSignal} [signal]
 * @returns {Promise<number>} how many existed
 */
export async function deleteKeys(keys, conditions, signal) {
  const json = { keys, if: conditions };
  return (await callJson("POST", "api/delete", { json, signal })).deleted;
}

/**
 * Adds a number to a counter.
 * @param {string} key
 * @param {string} by an integer of 64 bits, as text
 * @returns {Promise<string>} the new number, as text
 */
export async function incrementKey(key, by) {
  const body = `{"data":{${JSON.stringify(key)}:${by}}}`;
  const { text } = await call("POST", "api/increment", { body });
  return memberText(memberText(text, "data") ?? "{}", key) ?? "";
}
