// Shows the view of the address. A view is a function from its context to an element.
import { isAbort } from "../api/problem.js";
import { failed, fill, loading } from "../ui/index.js";

let leave = new AbortController();
/** @type {{view?: View, shown?: Shown}} */
let current = {};
/** @type {Frame | null} */
let frame = null;
/** The address that is shown, for users who do not want to leave. */
let shownHash = location.hash;
/** By the first part of the path. @type {Record<string, View>} */
let routes = {};

const noGuard = async () => true;

/** Asks a user with unsaved work whether the view may be left. */
export let mayLeaveView = noGuard;

/** The address of a key. @type {kv.keyHref} */
export const keyHref = (key) => `#/keys/${encodeURIComponent(key)}`;

/** @type {kv.go} */
export const go = (hash) => void (location.hash = hash);

/** Says what is shown, without a step in the history. @type {kv.go} */
export function replaceAddress(hash) {
	history.replaceState(null, "", hash);
	shownHash = hash;
}

/** Has `ask` decide whether the view is left. @type {kv.guardLeaving} */
export function guardLeaving(ask, signal) {
	mayLeaveView = ask;
	signal.addEventListener("abort", () => (mayLeaveView = noGuard));
}

/** Follows the address. @type {kv.startRouter} */
export function startRouter(views) {
	routes = views;
	addEventListener("hashchange", async () => {
		if (location.hash !== shownHash && !(await mayLeaveView())) {
			return history.pushState(null, "", shownHash);
		}
		shownHash = location.hash;
		show();
	});
}

/** Shows the view again, in a frame. @type {kv.setFrame} */
export function setFrame(next) {
	leave.abort();
	current = {};
	frame = next;
	show();
}

async function show() {
	if (frame === null) return;
	const [address = "", search] = location.hash.replace(/^#\/?/, "").split("?");
	const name = Object.keys(routes).find((it) => `${address}/`.startsWith(`${it}/`)) ?? "";
	const view = routes[name];
	if (view === undefined) return location.replace("#/keys");
	const [path, query] = [address.slice(name.length + 1), new URLSearchParams(search)];
	if (current.view === view && current.shown?.update) {
		return current.shown.update({ path, query, signal: leave.signal });
	}
	leave.abort();
	leave = new AbortController();
	frame.setCurrent(name);
	const [{ signal }, { outlet }] = [leave, frame];
	/** @type {typeof current} */
	const opened = (current = { view });
	fill(outlet, loading());
	try {
		opened.shown = await view({ path, query, signal });
		if (!signal.aborted) fill(outlet, opened.shown.element);
	} catch (error) {
		if (!isAbort(error) && !signal.aborted) {
			fill(outlet, failed(error, () => setFrame(frame)));
		}
	}
}
