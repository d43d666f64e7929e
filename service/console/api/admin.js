// Calls of administrators.
import { loadUser } from "./accounts.js";
import { callJson } from "./client.js";
import { hasCode } from "./problem.js";

/** @typedef {import("./session.js").User & {disabled: boolean}} Account */

/**
 * Makes a call. A user who is no longer an administrator is loaded again.
 * @param {string} method @param {string} path
 * @param {import("./client.js").Options} options
 */
export function administer(method, path, options) {
  return callJson(method, `api/admin/${path}`, options).catch(async (error) => {
    await (hasCode(error, "not_an_administrator") && loadUser());
    throw error;
  });
}
