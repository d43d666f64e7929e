// Calls of administrators.
import { loadUser } from "./accounts.js";
import { callJson } from "./client.js";
import { hasCode } from "./problem.js";

/**
 * @typedef {{username: string, created_at: number, disabled: boolean,
 *   administrator: boolean, grants: import("./session.js").Grant[]}} Account
 */

/**
 * Makes a call. It loads the user again who is no longer an administrator.
 * @param {string} method @param {string} path
 * @param {import("./client.js").Options} options
 */
export async function administer(method, path, options) {
  try {
    return await callJson(method, `api/admin/${path}`, options);
  } catch (error) {
    if (hasCode(error, "not_an_administrator")) {
      await loadUser();
    }
    throw error;
  }
}
