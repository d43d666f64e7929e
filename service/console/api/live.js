// Follows the changes of a prefix. It resumes where it was: none is missed or repeated.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson, urlOf } from "./client.js";
import { Problem, problemOf } from "./problem.js";

/** Milliseconds before another attempt: the first, which doubles, and the longest. */
const [FIRST_DELAY, LONGEST_DELAY] = [1000, 30_000];

/**
 * `data`: keys and the JSON texts of their values.
 * @typedef {{revision: number, data: [string, string][], deleted: string[]}} Change
 * @typedef {"connecting" | "open" | "waiting" | "ended"} State
 * @typedef {(state: State, problem: unknown, revision: number | null) => void} OnState
 */

/**
 * Until `signal` is aborted, or the state is ended.
 * @param {{prefix: string, since?: number | null, signal: AbortSignal,
 *   onchange: (change: Change) => void, onstate: OnState}} options since null: from now
 */
export function followChanges({ prefix, since = null, signal, onchange, onstate }) {
  let position = since;
  let failures = 0;
  let isEnded = false;
  let connection = new AbortController();

  /** @param {string} text a change */
  const take = (text) => {
    const revision = Number(memberText(text, "revision"));
    if (revision <= (position ?? 0)) return;
    position = revision;
    onchange({ revision, data: entries(memberText(text, "data") ?? "{}"),
      deleted: JSON.parse(memberText(text, "deleted") ?? "[]") });
  };

  /** @param {unknown} problem */
  const retry = (problem) => {
    onstate("waiting", problem, position);
    const delay = Math.min(FIRST_DELAY * 2 ** failures++, LONGEST_DELAY);
    connect(delay * (0.75 + Math.random() / 4));
  };

  /** Connects anew, or only disconnects while the page is hidden. */
  const connect = async (delay = 0) => {
    connection.abort();
    const { signal } = (connection = new AbortController());
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (signal.aborted || document.hidden || isEnded) return;
    onstate("connecting", undefined, position);
    try {
      // a stream does not say why it is refused, nor at which revision it begins
      const query = { prefix, since: position };
      const { text } = await call("GET", "api/changes", { query, signal });
      elements(memberText(text, "changes") ?? "[]").forEach(take);
      position = Number(memberText(text, "revision"));
      const { ticket } = await callJson("POST", "api/tickets", { signal });
      listen(urlOf("api/changes", { prefix, since: position, ticket }), signal);
    } catch (error) {
      if (signal.aborted) return;
      const { status } = /** @type {Problem} */ (error);
      if (status === 0 || status >= 500) return retry(error);
      isEnded = true;
      onstate("ended", error, position);
    }
  };

  /** @param {URL} url @param {AbortSignal} signal */
  const listen = (url, signal) => {
    const source = new EventSource(url);
    signal.addEventListener("abort", () => source.close());
    source.onmessage = ({ data }) => take(data);
    source.onopen = () => {
      failures = 0;
      onstate("open", undefined, position);
    };
    source.addEventListener("end", ({ data }) => retry(problemOf(503, data)));
    source.onerror = () => {
      const lost = new Problem(0, { code: "unreachable" });
      if (source.readyState === EventSource.CLOSED) retry(lost);
      else onstate("waiting", lost, position); // the browser tries again
    };
  };

  signal.addEventListener("abort", () => connection.abort());
  // hidden pages are disconnected: a browser has six connections for each host
  document.addEventListener("visibilitychange", () => connect(), { signal });
  connect();
}
