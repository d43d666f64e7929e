// An error of the service, as problem details (RFC 9457).

/** Why a call failed. `members` has all, such as `conflicts` and `oldest`. */
export class Problem extends Error {
	/** @param {number} status 0: no reply  @param {Record<string, any>} members */
	constructor(status, members, retryAfter = 0) {
		super(members.detail ?? members.code);
		this.status = status;
		this.code = String(members.code ?? "internal");
		this.detail = String(members.detail ?? "");
		this.members = members;
		this.retryAfter = retryAfter; // seconds
	}
}

/** The problem of a reply; a proxy's own page has none. @type {kv.problemOf} */
export function problemOf(status, text, retryAfter) {
	try {
		return new Problem(status, JSON.parse(text), Number(retryAfter));
	} catch {
		return new Problem(status, { code: "unreachable" });
	}
}

/** @type {kv.hasCode} */
export const hasCode = (error, code) => error?.code === code;

/** Whether the session has ended. @param {any} error */
export const isSessionEnd = (error) =>
	/^token_(missing|invalid|expired|revoked)$/.test(error?.code);

/** Whether the caller itself has cancelled the call. @param {any} error */
export const isAbort = (error) => error?.name === "AbortError";
