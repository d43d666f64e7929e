// The value pane: the value of one key, viewed or edited.
import { followChanges } from "../../../api/live.js";
import { isAbort } from "../../../api/problem.js";
import { t } from "../../../locale.js";
import { failed, fill, h, loading, notify } from "../../../ui/index.js";
import { editor } from "./editor.js";
import { readEntry } from "./entry.js";
import { facts, heading, missing, warning } from "./head.js";
import { valueText } from "./text.js";
import { toolbar } from "./toolbar.js";

/** Milliseconds: the reply to an own write comes before its change. */
const DELAY = 500;

/** The pane of a key, until the signal is aborted. @type {kv.showValue} */
export function showValue(options) {
	const { key, signal, onwritten } = options;
	const element = h("section.value", { "aria-label": key, tabindex: -1 });
	const banner = h("div", { role: "status" });
	let mode = new AbortController();
	/** @type {Pane} */
	const pane = { ...options, entry: /** @type {any} */ (null), isEditing: false,
		newest: 0,
		async load() {
			if (!pane.entry) fill(element, loading());
			try {
				const entry = await readEntry(key, signal);
				if (!pane.isEditing) pane.show(entry);
			} catch (error) {
				if (!isAbort(error)) fill(element, heading(pane), failed(error, pane.load));
			}
		},
		show(entry, isEditing = false) {
			const focused = element.querySelector(":focus");
			mode.abort();
			mode = new AbortController();
			pane.signal = AbortSignal.any([signal, mode.signal]);
			Object.assign(pane, { entry, isEditing });
			if (!entry) pane.newest = 0;
			pane.report();
			fill(element, heading(pane), banner, !entry ? missing(pane) : [facts(pane),
				isEditing ? editor(pane) : [toolbar(pane), valueText(entry.text)]]);
			// the focus stays on a control with the same text
			const same = [...element.querySelectorAll("button")].find(({ textContent }) =>
				textContent && textContent === focused?.textContent);
			if (isEditing) element.querySelector("textarea")?.focus();
			else if (focused) (same ?? element).focus();
		},
		report(revision = 0, isDeleted = false) {
			const isGone = isDeleted && (!pane.entry?.revision || pane.entry.isExpired);
			if (revision > pane.newest && !isGone) {
				pane.newest = revision;
				onwritten(key);
			}
			fill(banner, warning(pane));
		},
		written(entry) {
			if (!pane.isEditing) pane.show(entry);
			onwritten(key);
			notify(t("Saved", "Сохранено"));
		} };
	followChanges({ prefix: key, signal, onstate: () => {},
		onchange: ({ revision, data, deleted }) => {
			const isDeleted = deleted.includes(key);
			if (!isDeleted && !data.some(([name]) => name === key)) return;
			setTimeout(() => pane.report(revision, isDeleted), DELAY);
		} });
	pane.load();
	return element;
}
