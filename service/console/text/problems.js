// Errors in the words of the user's language.
import { t } from "../locale/index.js";
import { time } from "./format.js";

/** @typedef {import("../api/problem.js").Problem} Problem */

/** A table in functions: each message is translated when it is shown. */
/** @type {Record<string, (problem: Problem) => string>} */
const MESSAGES = {
  unreachable: () => t("The service does not respond. Check the connection and try again."),
  storage_unavailable: () => t("The store does not respond, or its cluster has no leader."),
  no_quorum: () => t("The cluster has no majority, so nothing can be read or written."),
  storage_full: () => t("The store is full. Reads and deletions still work."),
  overloaded: () => t("The service is overloaded."),
  stopping: () => t("The service is stopping."),
  too_many_attempts: () => t("Too many attempts."),
  invalid_credentials: () => t("The user name or the password is wrong."),
  user_exists: () => t("This user name is taken."),
  registration_closed: () => t("Registration is closed. Ask an administrator for an account."),
  token_missing: () => t("Your session has ended. Sign in again."),
  token_invalid: () => t("Your session has ended. Sign in again."),
  token_expired: () => t("Your session has expired. Sign in again."),
  token_revoked: () => t("Your session was ended. Sign in again."),
  forbidden: () => t("Your account has no right to do this."),
  not_an_administrator: () => t("Only administrators can do this."),
  last_administrator: () => t("This is the last administrator, so it has to stay one."),
  condition_failed: () => t("Somebody else has changed this in the meantime."),
  not_a_counter: () => t("The value is not a 64-bit integer, so it cannot be counted."),
  counter_overflow: () => t("The counter would exceed 64 bits."),
  revision_compacted: () => t("The change log no longer reaches back that far."),
  revision_ahead: () => t("The store has not reached this revision. Was it restored?"),
  not_found: () => t("This does not exist any more."),
  internal: () => t("The service has failed."),
};

/**
 * What went wrong, as one or more sentences.
 * @param {unknown} error
 * @returns {string}
 */
export function describe(error) {
  const problem = /** @type {Problem} */ (error);
  const message = MESSAGES[problem.code];
  if (message === undefined) {
    return problem.detail || problem.message || String(error);
  }
  const parts = [message(problem), problem.detail && DETAILED.has(problem.code)
    ? `(${problem.detail})` : "", retryAt(problem), applied(problem)];
  return parts.filter(Boolean).join(" ");
}

/** Codes whose detail says more than the message: which key, which limit. */
const DETAILED = new Set(["forbidden", "storage_full", "internal", "not_a_counter"]);

/** @param {Problem} problem */
function retryAt({ retryAfter, code }) {
  if (retryAfter === null || code === "unreachable") {
    return "";
  }
  return t("Try again at {time}.", { time: time(Date.now() / 1000 + retryAfter) });
}

/** @param {Problem} problem */
function applied({ members }) {
  return members?.applied === "unknown"
    ? t("It is not known whether the change was made: look before you repeat it.") : "";
}
