// Follows the changes of a prefix. It resumes where it was: none is missed or repeated.
import { elements, entries } from "../text/json-text.js";
import { call } from "./client.js";

/** Seconds to wait for a change, and the most milliseconds between two attempts. */
const [WAIT, LONGEST] = [50, 30_000];

function changeOf(text) {
	const { revision = "", data = "", deleted = "" } = Object.fromEntries(entries(text));
	return { revision: Number(revision), data: entries(data),
		deleted: JSON.parse(deleted) };
}

/** Returns a function that pauses (true) or resumes. @param {Following} options */
export function followChanges({ prefix, since, signal, onchange, onstate }) {
	let [position, failures] = [since, 0];
	/** @type {FollowingState} */
	let state = "connecting";
	let poller = new AbortController();
	const report = (next, problem) => next !== state && onstate(state = next, problem);

	/** Polls. A hidden page does not: a host has only six connections. */
	const poll = async (delay = 0) => {
		poller.abort();
		const { signal } = (poller = new AbortController());
		await new Promise((resolve) => setTimeout(resolve, delay));
		const isIdle = document.hidden || state === "paused" || state === "ended";
		if (signal.aborted || isIdle) return;
		try {
			const query = { prefix, since: position, wait: state === "open" ? WAIT : 0 };
			const { text } = await call("GET", "api/changes", { query, signal });
			const { changes = "", revision } = Object.fromEntries(entries(text));
			elements(changes).map(changeOf).forEach(onchange);
			[position, failures] = [revision, 0];
			report("open");
			poll();
		} catch (/** @type {any} */ error) {
			if (signal.aborted) return;
			if (error.status > 0 && error.status < 500) return report("ended", error);
			report("waiting");
			const most = Math.min(1000 * 2 ** failures++, LONGEST);
			poll(most * (0.75 + Math.random() / 4));
		}
	};
	signal.addEventListener("abort", () => poller.abort());
	document.addEventListener("visibilitychange", () => poll(), { signal });
	onstate(state);
	poll();
	return (isPaused) => {
		report(isPaused ? "paused" : "connecting");
		poll();
	};
}
