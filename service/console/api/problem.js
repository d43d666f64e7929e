// An error of the service, as problem details (RFC 9457).

/** What a call failed with. Other members are in `members`, such as `conflicts`. */
export class Problem extends Error {
	/** @param {number} status 0: no reply  @param {Record<string, any>} members */
	constructor(status, members, retryAfter = 0) {
		super(members.detail ?? members.code);
		this.status = status;
		this.code = String(members.code ?? "internal");
		this.detail = String(members.detail ?? "");
		this.members = members;
		this.retryAfter = retryAfter; // seconds; 0: unknown
	}
}

/**
 * The problem of a reply. A page that a proxy answers with has none.
 * @param {number} status @param {string} text @param {string | null} retryAfter
 */
export function problemOf(status, text, retryAfter) {
	try {
		return new Problem(status, JSON.parse(text), Number(retryAfter));
	} catch {
		return new Problem(status, { code: "unreachable" });
	}
}

/** @param {any} error @param {...string} codes */
export const hasCode = (error, ...codes) =>
	error instanceof Problem && codes.includes(error.code);

/** Whether the session has ended. @param {unknown} error */
export const isSessionEnd = (error) =>
	hasCode(error, "token_missing", "token_invalid", "token_expired", "token_revoked");

/** Whether the caller itself has cancelled the call. @param {any} error */
export const isAbort = (error) => error?.name === "AbortError";
