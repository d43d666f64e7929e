// Buttons that run an action, one run at a time, and report its error.
import { describe } from "../text/problems.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";
import { notify } from "./notices.js";

/**
 * `kind` is "primary", "danger", "quiet" or "link", `sign` an icon. A quiet button with
 * an icon has its label for assistive technology, and as a tooltip. @type {kv.button}
 */
export function button(label, run, kind = "", sign = "") {
	const name = kind === "quiet" && sign !== "" && label;
	const element = h("button", { type: "button", class: kind, title: name,
		"aria-label": name,
		onclick: async () => {
			if (element.ariaBusy) return;
			element.ariaBusy = "true";
			await attempt(run);
			element.ariaBusy = null;
		} }, sign && icon(sign), !name && label);
	return element;
}

/**
 * Runs an action, and shows its error as a notice. `done`: a notice of success.
 * @type {kv.attempt}
 */
export async function attempt(run, done) {
	try {
		await run();
		if (done) notify(done);
	} catch (/** @type {any} */ error) {
		if (error.name !== "AbortError") notify(describe(error), "error");
	}
}
