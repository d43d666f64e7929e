// The history of a key: #/history/<key>
import { historyOf } from "../../../api/keys.js";
import { keyHref } from "../../../app/router.js";
import { t } from "../../../locale.js";
import { dateTime, size } from "../../../text/format.js";
import { button, confirmDialog, fill, h, notify } from "../../../ui/index.js";
import { diffView } from "./diff-view.js";
import { entryOf, readEntry } from "./entry.js";
import { valueText } from "./text.js";

/** @type {View} */
export async function historyView({ path, signal }) {
	const key = decodeURIComponent(path);
	const list = h("ol", { role: "list", "aria-label": t("Changes", "Изменения") });
	const end = h("div.hint");
	const details = h("section.card",
		{ "aria-label": t("Selected change", "Выбранное изменение") });

	/** Only the last page may be empty. */
	const pageOf = async (before, limit = 50) => {
		const page = await historyOf(key, before, signal, limit);
		return page.changes.length || !page.next ? page : pageOf(page.next, limit);
	};
	/** Shows one more page, and has its first change focused. */
	const load = async (before) => {
		const { changes, next, oldest } = await pageOf(before);
		const rows = changes.map((change) => {
			const row = button(says(change), () => select(change, row));
			return row;
		});
		list.append(...rows.map((row) => h("li", row)));
		fill(end, next === null ? t("The change log begins at revision {n}.",
			"Журнал изменений начинается с ревизии {n}.", { n: oldest })
			: button(t("Load older", "Более ранние"), () => load(next)));
		rows[0]?.focus();
		return rows[0];
	};
	const action = t("Restore this value", "Восстановить значение");
	const select = async ({ revision: n, text }, row) => {
		list.querySelector("[aria-current]")?.removeAttribute("aria-current");
		row.setAttribute("aria-current", "true");
		const before = (await pageOf(n, 1)).changes[0]?.text;
		if (!row.hasAttribute("aria-current")) return;
		fill(details, h("div.toolbar", h("h2", t("Revision {n}", "Ревизия {n}", { n })),
			text && h("div.end", button(action, () => restore(n, text)))),
		diffView(before ?? "", text ?? ""), text && valueText(text));
	};
	const restore = async (n, text) => {
		const current = await readEntry(key) ?? entryOf(key);
		const difference = diffView(current.text, text);
		if (!await confirmDialog({ title: action, action, text: difference })) return;
		await current.write(text).finally(reload);
		notify(t("The value of revision {n} was restored.",
			"Значение ревизии {n} восстановлено.", { n }));
	};
	const reload = async () => {
		fill(list);
		const first = await load(null);
		if (first) return first.click();
		fill(details, t(
			"This key has no changes in the log.", "В журнале нет изменений этого ключа."));
	};
	document.title = `${t("History", "История")} · KV`;
	const body = await reload().then(() => h("div.history", h("div", list, end), details),
		(problem) => {
			if (problem.code !== "not_found") throw problem;
			return t("The change log is disabled.", "Журнал изменений отключён.");
		});
	return { element: h("div.view", h("h1", t("History", "История")),
		h("a.mono", { href: keyHref(key) }, h("bdi", key)), body) };
}

/** What a row says of a change. */
function says({ revision: n, at, by, text, expired }) {
	const [name, what] = expired ? ["warn", t("expired", "истёк")]
		: text === null ? ["bad", t("deleted", "удалён")] : ["good", t("written", "записан")];
	const facts = [t("Revision {n}", "Ревизия {n}", { n }),
		by ?? (!expired && t("another account", "другая учётная запись")),
		text && size(new Blob([text]).size)];
	return [h("time", at === null ? "—" : dateTime(at)), h(`span.badge.${name}`, what),
		h("bdi.hint", facts.filter(Boolean).join(" · "))];
}
