// A transfer that runs: its progress, Cancel, and a question to a user who leaves.
import { guardLeaving } from "../../app/router.js";
import { t } from "../../locale.js";
import { announce, button, confirmDialog, fill, h } from "../../ui/index.js";

/** @typedef {HTMLElement} Card whose last element shows how a transfer goes */

/**
 * One transfer runs at a time: the forms of the page are disabled until it ends.
 * @param {Card} card
 * @param {AbortSignal} left
 * @param {(signal: AbortSignal, show: (words: string, part?: number) => void)
 *   => Promise<void>} work `part`: 0 to 1, if it is known
 */
export async function run(card, left, work) {
	const cancel = new AbortController();
	const over = new AbortController();
	const disable = (/** @type {boolean} */ is) => document.querySelectorAll("fieldset")
		.forEach((each) => (each.disabled = is));
	const bar = h("progress", { "aria-label": t("Progress", "Ход") });
	const text = h("p.muted");
	const stop = button(t("Cancel", "Отмена"), () => cancel.abort());
	fill(card.lastElementChild ?? card, bar, text, stop);
	disable(true);
	stop.focus();
	guardLeaving(() => confirmDialog({ title: t(
		"Stop the transfer?", "Прервать передачу?"), danger: true,
		text: t(
			"It stops when you leave this page.", "Она прервётся, если вы покинете "
			+ "страницу."), action: t("Stop", "Прервать") }), over.signal);
	addEventListener("beforeunload", (event) => event.preventDefault(),
		{ signal: over.signal });
	try {
		await work(AbortSignal.any([left, cancel.signal]), (words, part) => {
			text.textContent = words;
			if (part !== undefined) {
				bar.value = part;
			}
		});
	} finally {
		over.abort();
		disable(false);
	}
}

/**
 * The result of a transfer.
 * @param {Card} card
 * @param {"success" | "error" | "info"} kind
 * @param {...Child} children
 */
export function showResult(card, kind, ...children) {
	const result = h("div.notice", { class: `notice ${kind}`,
		role: kind === "error" && "alert" }, h("div", children));
	fill(card.lastElementChild ?? card, result);
	if (kind !== "error") {
		announce(result.innerText);
	}
}
