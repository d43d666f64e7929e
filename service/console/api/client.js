// Calls of the service. Replies are text: only their users know what may be parsed.
import { Problem, isSessionEnd, problemOf } from "./problem.js";
import { session } from "./session.js";

/** Whether the user has signed in again. */
let signInAgain = async () => false;

/** @type {kv.onSessionEnd} */
export const onSessionEnd = (ask) => (signInAgain = ask);

/** @type {kv.authorization} */
export const authorization = () => ({ Authorization: `Bearer ${session.token}` });

/** A URL relative to the page: a proxy may serve it below a path. @type {kv.urlOf} */
export function urlOf(path, query = {}) {
	const url = new URL(path, document.baseURI);
	const given = Object.entries(query)
		.filter(([, value]) => value !== null && value !== undefined);
	url.search = String(new URLSearchParams(given));
	url.hash = "";
	return url;
}

/**
 * Makes a call. If the session has ended, the user can sign in again: it is repeated.
 * @throws {Problem} @type {kv.call}
 */
export const call = (method, path, options) => open(method, path, options,
	async (reply) => ({ headers: reply.headers, text: await reply.text() }));

/** @type {kv.callJson} */
export const callJson = async (method, path, options) =>
	JSON.parse((await call(method, path, options)).text);

/**
 * The same with a function that reads the reply, maybe while it arrives.
 * @type {kv.open}
 */
export async function open(method, path, options = {}, read) {
	const { json, body, query, signal, anonymous } = options;
	try {
		const reply = await fetch(urlOf(path, query), { method, signal, cache: "no-store",
			body: json ? JSON.stringify(json) : body,
			headers: anonymous ? {} : authorization() });
		if (reply.ok) return await read(reply);
		throw problemOf(reply.status, await reply.text(), reply.headers.get("Retry-After"));
	} catch (error) {
		if (!anonymous && isSessionEnd(error) && await signInAgain()) {
			return open(method, path, options, read);
		}
		if (error instanceof Problem || error instanceof DOMException) throw error;
		throw new Problem(0, { code: "unreachable" });
	}
}
