// Calls on the own account: sign in, refresh, sign out.
import { call, callJson } from "./client.js";
import { session } from "./session.js";

/** @typedef {import("./session.js").User} User */

/**
 * @param {string} username @param {string} password
 * @param {boolean} keep whether the token is kept when the page is loaded again
 */
export async function signIn(username, password, keep) {
  const json = { username, password };
  const { token } = await callJson("POST", "api/login", { json, anonymous: true });
  session.setToken(token, keep);
  await loadUser();
}

/** @param {string} username @param {string} password */
export async function register(username, password) {
  const json = { username, password };
  await call("POST", "api/register", { json, anonymous: true });
}

/** Reads the account of the token. @param {AbortSignal} [signal] */
export async function loadUser(signal) {
  session.setUser(await callJson("GET", "api/me", { signal }));
}

/** Replaces the token by one that expires later. */
export async function refresh() {
  session.setToken((await callJson("POST", "api/refresh")).token);
}

/** Ends all tokens of the account, except access tokens. */
export async function signOutEverywhere() {
  await call("POST", "api/logout");
  session.clear();
}

/**
 * Ends all other tokens of the account.
 * @param {string} password
 * @param {string} newPassword
 * @param {boolean} keep whether access tokens stay valid
 */
export async function changePassword(password, newPassword, keep) {
  const json = { password, new_password: newPassword, keep_access_tokens: keep };
  session.setToken((await callJson("POST", "api/password", { json })).token);
}

/** @param {string} password */
export async function deleteAccount(password) {
  await call("DELETE", "api/me", { json: { password } });
  session.clear();
}

/**
 * `grants` null: all rights of the account. Times are in seconds since 1970.
 * @typedef {{id: number, name: string, grants: import("./session.js").Grant[] | null,
 *   created_at: number, expires_at: number | null, last_used_at: number | null}}
 *   AccessToken
 */

/** @param {AbortSignal} [signal] @returns {Promise<AccessToken[]>} */
export async function listTokens(signal) {
  return (await callJson("GET", "api/tokens", { signal })).tokens;
}

/**
 * Creates an access token, which is never shown again.
 * @param {{password: string, name: string, expires_in: number | null,
 *   grants: import("./session.js").Grant[] | null}} json
 * @returns {Promise<string>}
 */
export async function createToken(json) {
  return (await callJson("POST", "api/tokens", { json })).token;
}

/** @param {number} id */
export async function revokeToken(id) {
  await call("DELETE", `api/tokens/${id}`);
}
