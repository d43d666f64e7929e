// Follows the changes of a prefix. It resumes where it was: none is missed or repeated.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson, urlOf } from "./client.js";
import { Problem, problemOf } from "./problem.js";

/** Milliseconds before another attempt: the first, which doubles, and the longest. */
const [FIRST_DELAY, LONGEST_DELAY] = [1000, 30_000];
const LOST = new Problem(0, { code: "unreachable" });

/**
 * `data`: keys and the JSON texts of their values.
 * @typedef {{revision: number, data: [string, string][], deleted: string[]}} Change
 * @typedef {"connecting" | "open" | "waiting" | "ended"} State
 * @typedef {(state: State, why?: unknown, revision?: number | null) => void} OnState
 * `since` null: from now. `onstate` gets the revision that the follower is at.
 * @typedef {{prefix: string, since?: number | null, signal: AbortSignal,
 *   onchange: (change: Change) => void, onstate: OnState}} Options
 */

/** Until `signal` is aborted, or the state is ended. @param {Options} options */
export function followChanges(options) {
  const follower = new Follower(options);
  options.signal.addEventListener("abort", () => follower.connection.abort());
  // hidden pages are disconnected: a browser has six connections for each host
  document.addEventListener("visibilitychange", () => follower.connect(), options);
  follower.connect();
}

class Follower {
  failures = 0;
  isEnded = false;
  connection = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.position = options.since ?? null;
  }

  /** Connects anew, or only disconnects while the page is hidden. */
  async connect(delay = 0) {
    this.connection.abort();
    const { signal } = (this.connection = new AbortController());
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (signal.aborted || document.hidden || this.isEnded) return;
    try {
      // a stream does not say why it is refused, nor at which revision it begins
      const { prefix, onstate } = this.options;
      onstate("connecting", undefined, this.position);
      const query = { prefix, since: this.position };
      const { text } = await call("GET", "api/changes", { query, signal });
      elements(memberText(text, "changes") ?? "[]").forEach((it) => this.#take(it));
      this.position = Number(memberText(text, "revision"));
      const { ticket } = await callJson("POST", "api/tickets", { signal });
      this.#open(urlOf("api/changes", { prefix, since: this.position, ticket }), signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** @param {URL} url @param {AbortSignal} signal */
  #open(url, signal) {
    const source = new EventSource(url);
    signal.addEventListener("abort", () => source.close());
    source.onmessage = ({ data }) => this.#take(data);
    source.onopen = () => {
      this.failures = 0;
      this.options.onstate("open", undefined, this.position);
    };
    source.addEventListener("end", ({ data }) => this.#retry(problemOf(503, data)));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#retry(LOST);
      else this.options.onstate("waiting", LOST, this.position);
    };
  }

  /** @param {string} text a change */
  #take(text) {
    const revision = Number(memberText(text, "revision"));
    if (revision <= (this.position ?? 0)) return;
    this.position = revision;
    this.options.onchange({ revision, data: entries(memberText(text, "data") ?? "{}"),
      deleted: JSON.parse(memberText(text, "deleted") ?? "[]") });
  }

  /** @param {unknown} error of a call */
  #fail(error) {
    const { status } = /** @type {Problem} */ (error);
    if (status === 0 || status >= 500) return this.#retry(error);
    this.isEnded = true;
    this.options.onstate("ended", error, this.position);
  }

  /** @param {unknown} why */
  #retry(why) {
    this.options.onstate("waiting", why, this.position);
    const delay = Math.min(FIRST_DELAY * 2 ** this.failures++, LONGEST_DELAY);
    this.connect(delay * (0.75 + Math.random() / 4));
  }
}
