// Who is signed in. The token is in memory, or in sessionStorage if the user chose so.

const STORED = "kv.token";

/**
 * @typedef {{prefix: string, rights: "r" | "w" | "rw"}} Grant
 * @typedef {{username: string, created_at: number, grants: Grant[],
 *   administrator?: boolean}} User
 */

/** The session of this page. It dispatches `change` when a user signs in or out. */
class Session extends EventTarget {
  /** @type {string | null} */
  token = sessionStorage.getItem(STORED);
  /** @type {User | null} */
  user = null;
  /** When this page got the token: a token only says when it expires. */
  #received = Date.now();

  /** Whether the token is kept when the page is loaded again. */
  get isKept() {
    return sessionStorage.getItem(STORED) !== null;
  }

  /** @param {string} token @param {boolean} keep */
  setToken(token, keep = this.isKept) {
    this.token = token;
    this.#received = Date.now();
    if (keep) {
      sessionStorage.setItem(STORED, token);
    }
  }

  /** The same user who signs in again keeps the page. @param {User} user */
  setUser(user) {
    const before = this.user;
    this.user = user;
    if (before?.username !== user.username
        || before.administrator !== user.administrator) {
      this.dispatchEvent(new Event("change"));
    }
  }

  clear() {
    this.token = null;
    this.user = null;
    sessionStorage.removeItem(STORED);
    this.dispatchEvent(new Event("change"));
  }

  /** When the token was received and when it expires, in milliseconds since 1970. */
  get lifetime() {
    const claims = this.token?.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/");
    const { exp = 0 } = claims ? JSON.parse(atob(claims)) : {};
    return { received: this.#received, expires: exp * 1000 };
  }
}

export const session = new Session();
