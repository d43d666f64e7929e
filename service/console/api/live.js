// Follows the changes of a prefix. It resumes where it was: none is missed or repeated.
import { elements, entries, memberText } from "../text/json-text.js";
import { call, callJson, urlOf } from "./client.js";

/** Milliseconds before another attempt: the first, which doubles, and the longest. */
const [FIRST_DELAY, LONGEST_DELAY] = [1000, 30_000];

/**
 * `data`: keys and the JSON texts of their values.
 * @typedef {{revision: number, data: [string, string][], deleted: string[]}} Change
 * @typedef {"connecting" | "open" | "waiting" | "ended"} State
 * `since` null: from now. Nothing follows "ended", which has a problem.
 * @typedef {{prefix: string, since?: number | null, signal: AbortSignal,
 *   onchange: (change: Change) => void,
 *   onstate: (state: State, problem: any, revision: number | null) => void}} Options
 */

/** @param {Options} options */
export function followChanges({ prefix, since = null, signal, onchange, onstate }) {
	let [position, failures, isEnded] = [since, 0, false];
	let connection = new AbortController();
	/** @param {State} state @param {unknown} [problem] */
	const report = (state, problem) => onstate(state, problem, position);

	/** @param {string} text a change */
	const take = (text) => {
		const revision = Number(memberText(text, "revision"));
		if (revision <= (position ?? 0)) return;
		position = revision;
		onchange({ revision, data: entries(memberText(text, "data") ?? "{}"),
			deleted: JSON.parse(memberText(text, "deleted") ?? "[]") });
	};
	const retry = () => {
		report("waiting");
		const delay = Math.min(FIRST_DELAY * 2 ** failures++, LONGEST_DELAY);
		connect(delay * (0.75 + Math.random() / 4));
	};
	/** Connects anew, or only disconnects while the page is hidden. */
	const connect = async (delay = 0) => {
		connection.abort();
		const { signal } = (connection = new AbortController());
		await new Promise((resolve) => setTimeout(resolve, delay));
		if (signal.aborted || document.hidden || isEnded) return;
		report("connecting");
		try {
			// a stream does not say why it is refused, nor at which revision it begins
			const query = { prefix, since: position };
			const { text } = await call("GET", "api/changes", { query, signal });
			elements(memberText(text, "changes") ?? "[]").forEach(take);
			position = Number(memberText(text, "revision"));
			const { ticket } = await callJson("POST", "api/tickets", { signal });
			listen(urlOf("api/changes", { ...query, since: position, ticket }), signal);
		} catch (/** @type {any} */ error) {
			if (signal.aborted) return;
			if (error.status === 0 || error.status >= 500) return retry();
			isEnded = true;
			report("ended", error);
		}
	};
	/** @param {URL} url @param {AbortSignal} signal */
	const listen = (url, signal) => {
		const source = new EventSource(url);
		signal.addEventListener("abort", () => source.close());
		source.onopen = () => {
			failures = 0;
			report("open");
		};
		source.onmessage = ({ data }) => take(data);
		source.addEventListener("end", retry); // the next call says why
		source.onerror = () => {
			if (source.readyState === EventSource.CLOSED) retry();
			else report("waiting"); // the browser tries again
		};
	};
	signal.addEventListener("abort", () => connection.abort());
	// hidden pages are disconnected: a browser has six connections for each host
	document.addEventListener("visibilitychange", () => connect(), { signal });
	connect();
}
