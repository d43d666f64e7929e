// Calls of the service. Replies are text: only their users know what may be parsed.
import { Problem, isSessionEnd, problemOf } from "./problem.js";
import { session } from "./session.js";

/**
 * @typedef {Record<string, any>} Query members that are null are left out
 * @typedef {{status: number, headers: Headers, text: string}} Reply
 * @typedef {{json?: unknown, body?: BodyInit, query?: Query, signal?: AbortSignal,
 *   anonymous?: boolean}} Options
 */

/** Asks the user to sign in again, and says whether that was done. */
let signInAgain = async () => false;

/** @param {() => Promise<boolean>} ask */
export function onSessionEnd(ask) {
  signInAgain = ask;
}

/**
 * A URL of the service, relative to the page: a proxy may serve it below a path.
 * @param {string} path
 * @param {Query} [query]
 */
export function urlOf(path, query = {}) {
  const url = new URL(path, document.baseURI);
  url.hash = "";
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) {
      url.searchParams.set(name, String(value));
    }
  }
  return url;
}

/**
 * Makes a call. If the session has ended, the user can sign in again, and the call is
 * made once more.
 * @param {string} method
 * @param {string} path such as "api/list"
 * @param {Options} [options]
 * @returns {Promise<Reply>}
 * @throws {Problem}
 */
export function call(method, path, options) {
  return open(method, path, options, async (reply) =>
    ({ status: reply.status, headers: reply.headers, text: await reply.text() }));
}

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
    if (options.anonymous || !isSessionEnd(error) || !(await signInAgain())) {
      throw error;
    }
    return await request(method, path, options, read);
  }
}

/** @param {string} method @param {string} path @param {Options} [options] */
export async function callJson(method, path, options) {
  return JSON.parse((await call(method, path, options)).text);
}

/**
 * @template T
 * @param {string} method @param {string} path @param {Options} options
 * @param {(reply: Response) => Promise<T>} read
 */
async function request(method, path, { json, body, query, signal, anonymous }, read) {
  const headers = anonymous ? undefined : authorization();
  const sent = json === undefined ? body : JSON.stringify(json);
  try {
    const init = { method, headers, body: sent, signal, cache: NO_STORE };
    const reply = await fetch(urlOf(path, query), init);
    if (reply.ok) {
      return await read(reply);
    }
    throw problemOf(reply.status, await reply.text(), reply.headers.get("Retry-After"));
  } catch (error) {
    if (error instanceof Problem || error instanceof DOMException) {
      throw error;
    }
    throw new Problem(0, { code: "unreachable" });
  }
}

const NO_STORE = /** @type {RequestCache} */ ("no-store");

/** The headers of a call of the user. @returns {Record<string, string>} */
export function authorization() {
  return { Authorization: `Bearer ${session.token}` };
}
