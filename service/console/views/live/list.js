// The list of live changes: the newest first, bounded, filtered by a text in the key.
import { keyHref } from "../../app/router.js";
import { t, tn } from "../../locale.js";
import { time } from "../../text/format.js";
import { PLAIN, announce, fill, h } from "../../ui/index.js";

/** The rows that are kept, the characters of a value, milliseconds of silence. */
const [KEPT, PREVIEW, QUIET] = [500, 200, 3000];

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

	/** Shows those of the rows that match. */
	const show = (rows) => {
		rows.forEach((each) => (each.hidden =
			!each.querySelector("bdi").textContent.includes(filter.value)));
		fill(note, !list.firstChild ? t("No changes yet.", "Изменений пока нет.")
			: !list.querySelector("li:not([hidden])")
				? t("No change matches the filter.", "Ничего не подходит.")
				: list.childElementCount === KEPT
					&& t("Older changes are not shown.", "Более ранние не показаны."));
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
		if (!unannounced) setTimeout(announceAll, QUIET);
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
