// Calls on accounts: the user's own, and administration.
import { call, callJson } from "./client.js";
import { hasCode } from "./problem.js";
import { session } from "./session.js";

/** A call that replies with the next token of the session. @type {kv.takeToken} */
export async function takeToken(path, options, keep) {
	const before = session.token;
	const { token } = await callJson("POST", path, options);
	if (session.token === before) session.setToken(token, keep);
}

/** Registers a new account first. `keep`: the token. @type {kv.signIn} */
export async function signIn(username, password, keep, isNew = false) {
	const options = { json: { username, password }, anonymous: true };
	if (isNew) await call("POST", "api/register", options);
	await takeToken("api/login", options, keep);
	await loadUser();
}

/** Reads the account of the token. @type {kv.loadUser} */
export const loadUser = async (signal) =>
	session.setUser(await callJson("GET", "api/me", { signal }));

/** Reloads the account of a demoted administrator. @type {kv.administer} */
export async function administer(method, path, options) {
	try {
		return await callJson(method, `api/admin/${path}`, options);
	} catch (error) {
		if (hasCode(error, "not_an_administrator")) await loadUser();
		throw error;
	}
}
