// Calls of administrators: accounts of others, and the state of the store.
import { loadUser } from "./accounts.js";
import { callJson } from "./client.js";
import { hasCode } from "./problem.js";

/**
 * @typedef {import("./session.js").Grant} Grant
 * @typedef {{username: string, created_at: number, disabled: boolean,
 *   administrator: boolean, grants: Grant[]}} Account
 * @typedef {{disabled?: boolean, administrator?: boolean, grants?: Grant[],
 *   password?: string, keep_access_tokens?: boolean}} Change
 * @typedef {{name: string, role: string, connected: boolean, lag: number | null,
 *   idle: number | null}} StoreNode
 * @typedef {{files: number, bytes: number}} Files
 * @typedef {{version: string, tarantool: {version: string, uptime: number},
 *   keys: number, expiring: number, revision: number, accounts: number,
 *   accepts_writes: boolean, memory: {used: number, allocated: number, limit: number},
 *   changes: {enabled: boolean, writes: number, oldest: number, bytes: number,
 *     limit: number}, idempotency: {records: number, bytes: number},
 *   wal: Files & {mode: string}, snapshots: Files & {newest: number | null},
 *   nodes: StoreNode[]}} State sizes in bytes, times in seconds
 */

/** @typedef {import("./client.js").Options} Options */

/**
 * Reads the user's account again if it is no longer an administrator's.
 * @param {string} method @param {string} path @param {Options} [options]
 */
async function call(method, path, options) {
  try {
    return await callJson(method, path, options);
  } catch (error) {
    if (hasCode(error, "not_an_administrator")) {
      await loadUser();
    }
    throw error;
  }
}

/**
 * @param {string} prefix of the names
 * @param {string | null} after the name that the page continues after
 * @param {AbortSignal} signal
 * @returns {Promise<{accounts: Account[], next: string | null}>}
 */
export function listAccounts(prefix, after, signal) {
  return call("GET", "api/admin/accounts", { query: { prefix, after }, signal });
}

/** @param {string} username @param {AbortSignal} signal @returns {Promise<Account>} */
export function readAccount(username, signal) {
  return call("GET", "api/admin/account", { query: { username }, signal });
}

/**
 * @param {{username: string, password: string, grants?: Grant[],
 *   administrator: boolean}} json without grants: those of new accounts
 * @returns {Promise<Account>}
 */
export function createAccount(json) {
  return call("POST", "api/admin/accounts", { json });
}

/** @param {string} username @param {Change} json @returns {Promise<Account>} */
export function changeAccount(username, json) {
  return call("PATCH", "api/admin/account", { query: { username }, json });
}

/** @param {string} username */
export function deleteAccount(username) {
  return call("DELETE", "api/admin/account", { query: { username } });
}

/** Ends all tokens. @param {string} username @param {boolean} keepAccessTokens */
export function endTokens(username, keepAccessTokens) {
  const json = { keep_access_tokens: keepAccessTokens };
  return call("POST", "api/admin/end-tokens", { query: { username }, json });
}

/** @param {AbortSignal} signal @returns {Promise<State>} */
export function readState(signal) {
  return call("GET", "api/admin/status", { signal });
}
