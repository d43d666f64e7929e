// Who is signed in. The token is in memory, or in sessionStorage if the user chose so.

const STORED = "kv.token";

/** It dispatches `change` when there is another user, or one with other rights. */
class Session extends EventTarget {
	token = sessionStorage.getItem(STORED) ?? "";
	/** @type {User | null} */
	user = null;
	/** When this page got the token, which only says when it expires. */
	received = Date.now();

	/** Whether the token is kept when the page is loaded again. */
	get isKept() {
		return sessionStorage.getItem(STORED) !== null;
	}

	/** Milliseconds since 1970. */
	get expires() {
		const claims = this.token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/");
		return claims ? JSON.parse(atob(claims)).exp * 1000 : 0;
	}

	/** @param {string} token */
	setToken(token, keep = this.isKept) {
		this.token = token;
		this.received = Date.now();
		sessionStorage[keep ? "setItem" : "removeItem"](STORED, token);
	}

	/** The same user who signs in again keeps the page. @param {User | null} user */
	setUser(user) {
		const identity = (each) => `${each?.administrator} ${each?.username}`;
		const before = identity(this.user);
		this.user = user;
		if (before !== identity(user)) this.dispatchEvent(new Event("change"));
	}

	clear() {
		this.token = "";
		sessionStorage.removeItem(STORED);
		this.setUser(null);
	}
}

export const session = new Session();
