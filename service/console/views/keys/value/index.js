// The value pane: the value of one key, viewed or edited.
import { followChanges } from "../../../api/live.js";
import { isAbort } from "../../../api/problem.js";
import { t } from "../../../locale.js";
import { fill, h, loading, notify } from "../../../ui/index.js";
import { editor } from "./editor.js";
import { readEntry } from "./entry.js";
import { facts, heading, trouble, warning } from "./head.js";
import { valueText } from "./text.js";
import { toolbar } from "./toolbar.js";

/** Milliseconds until a change is reported: the reply to an own write comes first. */
const DELAY = 500;

/**
 * `signal` is aborted when another value is shown.
 * @import {Entry} from "./entry.js"
 * @typedef {(key: string) => void} OfKey
 * @typedef {{key: string, signal: AbortSignal, onwritten: OfKey, onremoved: OfKey,
 *   onopen: OfKey, onclose: () => void}} Options
 */

/** @param {Options} options */
export function showValue(options) {
	const pane = new Pane(options);
	const { key, signal } = options;
	followChanges({ prefix: key, signal, onstate: () => {},
		onchange: ({ revision, data, deleted }) => {
			const isDeleted = deleted.includes(key);
			if (!isDeleted && !data.some(([it]) => it === key)) return;
			setTimeout(() => pane.report(revision, isDeleted), DELAY);
		} });
	pane.load();
	return pane.element;
}

export class Pane {
	/** What is stored; null: nothing, or it is not read yet. */
	entry = /** @type {Entry} */ (/** @type {unknown} */ (null));
	isEditing = false;
	/** The newest change that was reported. */
	newest = { revision: 0, isDeleted: false };
	#banner = h("div", { role: "status" });
	#mode = new AbortController();
	/** Is aborted when something else is shown. */
	signal = this.#mode.signal;

	/** @param {Options} options */
	constructor(options) {
		this.options = options;
		this.element = h("section.value", { "aria-label": options.key, tabindex: -1 });
		options.signal.addEventListener("abort", () => this.#mode.abort());
	}

	load = async () => {
		const { key, signal } = this.options;
		if (!this.entry) fill(this.element, loading());
		try {
			const entry = await readEntry(key, signal);
			if (!this.isEditing) this.show(entry);
		} catch (error) {
			if (!isAbort(error)) fill(this.element, heading(this), trouble(this, error));
		}
	};

	/** Shows what is stored. The focus stays on a control with the same text.
	 * @param {Entry | null} entry */
	show(entry, isEditing = false) {
		const { element } = this;
		const focused = element.querySelector(":focus");
		this.#mode.abort();
		this.#mode = new AbortController();
		Object.assign(this, { entry, isEditing, signal: this.#mode.signal });
		this.report();
		fill(element, heading(this), this.#banner, !entry ? trouble(this)
			: [facts(this), isEditing ? editor(this) : [toolbar(this), valueText(entry)]]);
		const same = [...element.querySelectorAll("button")].find((it) =>
			it.tagName === focused?.tagName && it.textContent === focused.textContent);
		if (isEditing) element.querySelector("textarea")?.focus();
		else if (focused) (same ?? element).focus();
	}

	/** Says whether what is shown is out of date. */
	report(revision = 0, isDeleted = false) {
		if (revision > this.newest.revision) {
			this.newest = { revision, isDeleted };
			this.options.onwritten(this.options.key);
		}
		fill(this.#banner, warning(this));
	}

	/** Shows what is stored now, unless an edit has begun. @param {Entry | null} entry */
	written(entry, isSave = false) {
		if (isSave || !this.isEditing) this.show(entry);
		this.options.onwritten(this.options.key);
		notify(t("Saved", "Сохранено"));
	}
}
