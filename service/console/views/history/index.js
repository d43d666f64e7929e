// The history of a key: #/history/<key>
import { historyOf, readKey, writeKeys } from "../../api/keys.js";
import { hasCode } from "../../api/problem.js";
import { keyHref } from "../../app/router.js";
import { t } from "../../locale.js";
import { dateTime, size } from "../../text/format.js";
import { attempt, button, confirmDialog, fill, h, notify } from "../../ui/index.js";
import { diffView } from "./diff-view.js";

/** The characters of a value that are shown. */
const SHOWN = 65_536;

/** @type {View} */
export async function historyView({ path, signal }) {
	const key = decodeURIComponent(path);
	const list = h("ol", { role: "list", "aria-label": t("Changes", "Изменения") });
	const end = h("div.hint");
	const details = h("section.card", { "aria-label": t(
		"Selected change", "Выбранное изменение") });

	/** An empty page is the last one. */
	const pageOf = async (/** @type {number | null} */ before, limit = 50) => {
		let page = await historyOf(key, before, signal, limit);
		while (page.next !== null && page.changes.length === 0) {
			page = await historyOf(key, page.next, signal, limit);
		}
		return page;
	};
	/** Shows one more page, and has its first change focused. */
	const load = async (/** @type {number | null} */ before) => {
		const { changes, next, oldest } = await pageOf(before);
		const rows = changes.map((change) => rowOf(change, (row) => select(change, row)));
		list.append(...rows.map((row) => h("li", row)));
		fill(end, next === null ? t("The change log begins at revision {n}.",
			"Журнал изменений начинается с ревизии {n}.", { n: oldest })
			: button(t("Load older", "Показать более ранние"), () => load(next)));
		rows[0]?.focus();
		return rows[0];
	};
	const select = async (/** @type {Version} */ { revision: n, text }, row) => {
		list.querySelector("[aria-current]")?.removeAttribute("aria-current");
		row.setAttribute("aria-current", "true");
		const before = (await pageOf(n, 1)).changes[0]?.text ?? null;
		if (!row.hasAttribute("aria-current")) return;
		fill(details, h("div.toolbar", h("h2", t("Revision {n}", "Ревизия {n}", { n })),
			text !== null && h("div.end", button(t(
				"Restore this value", "Восстановить значение"), () => restore(n, text)))),
		diffView(before, text ?? ""),
		text !== null && [h("h3", t("Value", "Значение")),
			h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")]);
	};
	const restore = async (/** @type {number} */ n, /** @type {string} */ text) => {
		const current = await readKey(key, signal);
		const action = t("Restore this value", "Восстановить значение");
		if (!(await confirmDialog({ title: action, action, text: [
			t("It changes the current value:", "Текущее значение изменится:"),
			diffView(current?.text ?? null, text)] }))) return;
		const ttl = (await readKey(key))?.ttl; // what is left by now
		await writeKeys({ data: [[key, text]], ttls: ttl ? { [key]: ttl } : {},
			conditions: { [key]: current?.revision ?? null } }).finally(reload);
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
			if (!hasCode(problem, "not_found")) throw problem;
			return h("p.banner", t(
				"The change log is disabled.", "Журнал изменений отключён."));
		});
	return { element: h("div.view", h("h1", t("History", "История")),
		h("a.mono", { href: keyHref(key) }, h("bdi", key)), body) };
}

/** @param {Version} change @param {(row: Element) => Promise<void>} onselect */
function rowOf({ revision, at, by, text, expired }, onselect) {
	const [name, what] = expired ? ["warn", t("expired", "истёк")]
		: text === null ? ["bad", t("deleted", "удалён")] : ["good", t("written", "записан")];
	const author = by ?? (!expired && t("another account", "другая учётная запись"));
	const facts = [t("Revision {n}", "Ревизия {n}", { n: revision }), author,
		text !== null && size(new Blob([text]).size)];
	const row = h("button", { type: "button", onclick: () => attempt(() => onselect(row)) },
		h("time", at === null ? "—" : dateTime(at)),
		h(`span.badge.${name}`, what),
		h("bdi.hint", facts.filter(Boolean).join(" · ")));
	return row;
}
