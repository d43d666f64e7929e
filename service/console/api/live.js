// Follows the changes of a prefix. It resumes where it was: none is missed or repeated.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson, urlOf } from "./client.js";
import { Problem, problemOf } from "./problem.js";

/** Milliseconds before another attempt: they double from the first to the longest. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;

/**
 * `data`: keys and the JSON texts of their values.
 * @typedef {{revision: number, data: [string, string][], deleted: string[]}} Change
 * @typedef {"connecting" | "open" | "waiting" | "ended"} State
 * `since` null: from now. `onstate` gets the reason, and the revision it is at.
 * @typedef {(state: State, problem?: unknown, revision?: number | null) => void} OnState
 * @typedef {{prefix: string, since?: number | null, signal: AbortSignal,
 *   onchange: (change: Change) => void, onstate: OnState}} Options
 */

/** Follows until `signal` is aborted or the state is ended. @param {Options} options */
export function followChanges(options) {
  const follower = new Follower(options);
  const signal = AbortSignal.any([options.signal, follower.ended.signal]);
  signal.addEventListener("abort", () => follower.connection.abort());
  // a hidden page needs no connection: a browser has six for each host
  document.addEventListener("visibilitychange", () => follower.connect(), { signal });
  follower.connect();
}

class Follower {
  failures = 0;
  ended = new AbortController();
  connection = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.position = options.since ?? null;
  }

  /** Connects anew, or only disconnects while the page is hidden. */
  async connect(delay = 0) {
    const { prefix, onstate } = this.options;
    this.connection.abort();
    const { signal } = (this.connection = new AbortController());
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (signal.aborted || document.hidden) return;
    try {
      onstate("connecting", undefined, this.position);
      // a stream does not say why it is refused, nor at which revision it begins
      const query = { prefix, since: this.position };
      const { text } = await call("GET", "api/changes", { query, signal });
      for (const change of elements(memberText(text, "changes") ?? "[]")) this.#take(change);
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
      const lost = new Problem(0, { code: "unreachable" });
      if (source.readyState === EventSource.CLOSED) this.#retry(lost);
      else this.options.onstate("waiting", lost, this.position);
    };
  }

  /** @param {string} text a change */
  #take(text) {
    const revision = Number(memberText(text, "revision"));
    if (this.position !== null && revision <= this.position) return;
    this.position = revision;
    const deleted = JSON.parse(memberText(text, "deleted") ?? "[]");
    const data = entries(memberText(text, "data") ?? "{}");
    this.options.onchange({ revision, data, deleted });
  }

  /** @param {unknown} error of a call */
  #fail(error) {
    if (error instanceof Problem && (error.status === 0 || error.status >= 500)) {
      return this.#retry(error);
    }
    this.ended.abort();
    this.options.onstate("ended", error, this.position);
  }

  /** @param {Problem} problem */
  #retry(problem) {
    this.options.onstate("waiting", problem, this.position);
    const delay = Math.min(FIRST_DELAY * 2 ** this.failures++, LONGEST_DELAY);
    this.connect(delay * (0.75 + Math.random() / 4));
  }
}
