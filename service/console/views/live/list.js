// The list of live changes: the newest first, bounded, filtered by a text in the key.
import { keyHref } from "../../app/router.js";
import { t, tn } from "../../locale.js";
import { time } from "../../text/format.js";
import { announce, fill, h } from "../../ui/index.js";

/** The rows that are kept, those of them in the page, and the characters of a value. */
export const KEPT = 2000;
const SHOWN = 200;
const PREVIEW = 200;
/** Milliseconds between two announcements. */
const QUIET = 3000;

/** @typedef {{key: string, element: Element}} Row */

/** @param {Change} change @returns {Row[]} one for a key */
export const rowsOf = ({ revision, data, deleted }) => [
	...data.map(([key, text]) => row(revision, key, h("span.badge.good", t(
		"written", "записан")), text)),
	...deleted.map((key) => row(revision, key, h("span.badge.bad", t("deleted", "удалён"))))];

/** @param {number} n @param {string} key @param {Element} badge */
const row = (n, key, badge, text = "") => ({ key, element: h("li",
	h("time", time(Date.now() / 1000)),
	h("span.number.muted", { title: t("Revision {n}", "Ревизия {n}", { n }) }, n), badge,
	h("a.mono", { href: keyHref(key) }, h("bdi", key)),
	h("code.muted", text.slice(0, PREVIEW), text.length > PREVIEW && "…")) });

export function changeList() {
	/** The newest last. @type {Row[]} */
	let kept = [];
	let [filter, unannounced] = ["", 0];
	const list = h("ol.changes", { role: "list", "aria-label": t("Changes", "Изменения") });
	const note = h("p.loading");

	/** @param {Row[]} rows */
	const show = (rows) => {
		const found = rows.filter(({ key }) => key.includes(filter)).slice(-SHOWN);
		list.prepend(...found.reverse().map(({ element }) => element));
		while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
		fill(note, list.childElementCount === SHOWN ? t(
			"Older changes are not shown.", "Более ранние не показаны.")
			: list.childElementCount > 0 ? "" : kept.length > 0 ? t(
				"No change matches the filter.", "Под фильтр ничего не подходит.")
				: t("No changes yet. They appear here as they are made.",
					"Изменений пока нет. Они появятся здесь сразу."));
	};
	/** Shows rows anew. */
	const set = (rows = kept, text = filter) => {
		[kept, filter] = [rows, text];
		fill(list);
		show(kept);
	};
	/** @param {Row[]} rows */
	const add = (rows) => {
		kept = kept.concat(rows).slice(-KEPT);
		show(rows);
		if (unannounced === 0 && rows.length > 0) setTimeout(announceAll, QUIET);
		unannounced += rows.length;
	};
	const announceAll = () => {
		if (list.isConnected) announce(tn(unannounced, ["{n} change", "{n} changes"],
			["{n} изменение", "{n} изменения", "{n} изменений"]));
		unannounced = 0;
	};
	return { add, set, element: h("div.card", list, note) };
}
