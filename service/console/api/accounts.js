// Calls on accounts: the own one, its access tokens, and those of administrators.
import { call, callJson } from "./client.js";
import { hasCode } from "./problem.js";
import { session } from "./session.js";

/** With `keep` the token survives a reload. @type {kv.signIn} */
export async function signIn(username, password, keep) {
	const options = { json: { username, password }, anonymous: true };
	session.setToken((await callJson("POST", "api/login", options)).token, keep);
	await loadUser();
}

/** @type {kv.register} */
export const register = (username, password) =>
	call("POST", "api/register", { json: { username, password }, anonymous: true });

/** Reads the account of the token. @type {kv.loadUser} */
export const loadUser = async (signal) =>
	session.setUser(await callJson("GET", "api/me", { signal }));

/** Replaces the token by one that expires later. */
export const refresh = async () =>
	session.setToken((await callJson("POST", "api/refresh")).token);

/** Ends all tokens of the account, except access tokens. */
export async function signOutEverywhere() {
	await call("POST", "api/logout");
	session.clear();
}

/**
 * Ends all other tokens of the account. `keep`: whether access tokens stay valid.
 * @type {kv.changePassword}
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

/** @type {kv.listTokens} */
export const listTokens = async (signal) =>
	(await callJson("GET", "api/tokens", { signal })).tokens;

/** The token, which is never shown again. @returns {Promise<string>} */
export const createToken = async (/** @type {Record<string, any>} */ json) =>
	(await callJson("POST", "api/tokens", { json })).token;

/** @param {number} id */
export const revokeToken = (id) => call("DELETE", `api/tokens/${id}`);

/**
 * A call of an administrator; a user who no longer is one is loaded again.
 * @type {kv.administer}
 */
export async function administer(method, path, options) {
	try {
		return await callJson(method, `api/admin/${path}`, options);
	} catch (error) {
		if (hasCode(error, "not_an_administrator")) await loadUser();
		throw error;
	}
}
