// The list of live changes: the newest first, bounded, filtered by a text in the key.
import { keyHref } from "../../app/router.js";
import { t, tn } from "../../locale.js";
import { time } from "../../text/format.js";
import { PLAIN, announce, fill, h } from "../../ui/index.js";

/** The rows that are kept, the characters of a value, milliseconds of silence. */
const [KEPT, PREVIEW, QUIET] = [500, 200, 3000];

/** @param {number} n a revision @param {string} key @param {Element} badge */
const row = (n, key, badge, text = "") => h("li", h("time", time(Date.now() / 1000)),
	h("span.number.muted", { title: t("Revision {n}", "Ревизия {n}", { n }) }, n), badge,
	h("a.mono", { href: keyHref(key) }, h("bdi", key)),
	h("code.muted", text.slice(0, PREVIEW), text.length > PREVIEW && "…"));

export function changeList() {
	const list = h("ol.changes", { role: "list", "aria-label": t("Changes", "Изменения") });
	const note = h("p.loading");
	const label = t("Filter by key", "Фильтр по ключу");
	const filter = h("input", { type: "search", "aria-label": label, placeholder: label,
		...PLAIN, oninput: () => show([...list.children]) });
	let unannounced = 0;

	/** Shows those of the rows that match. @param {Element[]} rows */
	const show = (rows) => {
		rows.forEach((each) => each.toggleAttribute("hidden",
			!each.querySelector("bdi")?.textContent.includes(filter.value)));
		const isFull = list.childElementCount === KEPT;
		fill(note, list.querySelector("li:not([hidden])")
			? isFull && t("Older changes are not shown.", "Более ранние не показаны.")
			: list.firstChild ? t(
				"No change matches the filter.", "Под фильтр ничего не подходит.")
				: t("No changes yet. They appear here as they are made.",
					"Изменений пока нет. Они появятся здесь сразу."));
	};
	/** @param {Change} change */
	const add = ({ revision, data, deleted }) => {
		const rows = [
			...data.map(([key, text]) => row(revision, key,
				h("span.badge.good", t("written", "записан")), text)),
			...deleted.map((key) => row(revision, key,
				h("span.badge.bad", t("deleted", "удалён"))))];
		list.prepend(...rows);
		[...list.children].slice(KEPT).forEach((each) => each.remove());
		show(rows);
		if (unannounced === 0) setTimeout(announceAll, QUIET);
		unannounced += rows.length;
	};
	const announceAll = () => {
		announce(tn(unannounced, ["{n} change", "{n} changes"],
			["{n} изменение", "{n} изменения", "{n} изменений"]));
		unannounced = 0;
	};
	const clear = () => {
		fill(list);
		show([]);
	};
	return { add, clear, filter, element: h("div.card", list, note) };
}
