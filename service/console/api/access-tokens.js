// Calls on the access tokens of the own account.
import { call, callJson } from "./client.js";

/**
 * @typedef {import("./session.js").Grant} Grant
 * @typedef {{id: number, name: string, grants: Grant[] | null, created_at: number,
 *   expires_at: number | null, last_used_at: number | null}} AccessToken
 *   `grants` null: all rights of the account; times in seconds since 1970
 */

/** @param {AbortSignal} [signal] @returns {Promise<AccessToken[]>} */
export async function listTokens(signal) {
  return (await callJson("GET", "api/tokens", { signal })).tokens;
}

/**
 * @param {{password: string, name: string, grants: Grant[] | null,
 *   expires_in: number | null}} json
 * @returns {Promise<string>} the token, which is never shown again
 */
export async function createToken(json) {
  return (await callJson("POST", "api/tokens", { json })).token;
}

/** @param {number} id */
export async function revokeToken(id) {
  await call("DELETE", `api/tokens/${id}`);
}
