// Calls of the service. Replies are text: only their users know what may be parsed.
import { Problem, isSessionEnd, problemOf } from "./problem.js";
import { session } from "./session.js";

/**
 * @typedef {{json?: unknown, body?: BodyInit, query?: Record<string, any>,
 *   signal?: AbortSignal, anonymous?: boolean}} Options
 */

/** Asks the user to sign in again, and says whether that was done. */
let signInAgain = async () => false;

/** @param {() => Promise<boolean>} ask */
export const onSessionEnd = (ask) => (signInAgain = ask);

/** The headers of a call of the user. @returns {Record<string, string>} */
export const authorization = () => ({ Authorization: `Bearer ${session.token}` });

/**
 * A URL of the service, relative to the page: a proxy may serve it below a path.
 * @param {string} path @param {Record<string, any>} query null: left out
 */
export function urlOf(path, query = {}) {
	const url = new URL(path, document.baseURI);
	url.hash = "";
	for (const [name, value] of Object.entries(query)) {
		if (value !== null && value !== undefined) url.searchParams.set(name, value);
	}
	return url;
}

/**
 * Makes a call. If the session has ended, the user can sign in again, and it is repeated.
 * @param {string} method @param {string} path such as "api/list"
 * @param {Options} [options] @throws {Problem}
 */
export const call = (method, path, options) => open(method, path, options, async (reply) =>
	({ headers: reply.headers, text: await reply.text() }));

/** @param {string} method @param {string} path @param {Options} [options] */
export const callJson = async (method, path, options) =>
	JSON.parse((await call(method, path, options)).text);

/**
 * The same with a function that reads the reply, maybe while it arrives.
 * @template T
 * @param {string} method @param {string} path @param {Options | undefined} options
 * @param {(reply: Response) => Promise<T>} read
 */
export async function open(method, path, options = {}, read) {
	try {
		return await request(method, path, options, read);
	} catch (error) {
		if (options.anonymous || !isSessionEnd(error) || !(await signInAgain())) throw error;
		return await request(method, path, options, read);
	}
}

/** @type {<T>(m: string, p: string, o: Options, r: (r: Response) => Promise<T>) => any} */
async function request(method, path, { json, body, query, signal, anonymous }, read) {
	try {
		const reply = await fetch(urlOf(path, query), { method, signal, cache: "no-store",
			headers: anonymous ? {} : authorization(), body: json ? JSON.stringify(json) : body });
		if (reply.ok) return await read(reply);
		throw problemOf(reply.status, await reply.text(), reply.headers.get("Retry-After"));
	} catch (error) {
		if (error instanceof Problem || error instanceof DOMException) throw error;
		throw new Problem(0, { code: "unreachable" });
	}
}
