// An error of the service, as problem details (RFC 9457).

/** What a call failed with. */
export class Problem extends Error {
  /**
   * @param {number} status 0: the service was not reached
   * @param {Record<string, any>} members
   * @param {number | null} retryAfter seconds
   */
  constructor(status, members, retryAfter = null) {
    super(members.detail ?? members.code);
    this.status = status;
    /** @type {string} */
    this.code = members.code ?? "internal";
    /** @type {string} */
    this.detail = members.detail ?? "";
    /** The members of the reply, such as `conflicts`, `oldest` and `applied`. */
    this.members = members;
    this.retryAfter = retryAfter;
  }
}

/**
 * The problem of a reply.
 * @param {number} status
 * @param {string} text
 * @param {string | null} [retryAfter]
 */
export function problemOf(status, text, retryAfter = null) {
  try {
    const seconds = retryAfter === null ? null : Number(retryAfter);
    return new Problem(status, JSON.parse(text), seconds);
  } catch {
    return new Problem(status, { code: "unreachable" }); // a proxy's own page
  }
}

/** The codes that say that the session has ended. */
const ENDED = ["token_missing", "token_invalid", "token_expired", "token_revoked"];

/** @param {unknown} error */
export function isSessionEnd(error) {
  return error instanceof Problem && ENDED.includes(error.code);
}

/** @param {unknown} error @param {string} code */
export function hasCode(error, code) {
  return error instanceof Problem && error.code === code;
}

/** @param {unknown} error whether the caller itself has cancelled the call */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
