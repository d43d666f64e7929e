// The history of a key: #/history/<key>
import { historyOf } from "../../api/keys.js";
import { readKey } from "../../api/keys.js";
import { hasCode } from "../../api/problem.js";
import { keyHref } from "../../app/router.js";
import { t } from "../../locale.js";
import { dateTime, size } from "../../text/format.js";
import { button, fill, h } from "../../ui/index.js";
import { detailsOf } from "./details.js";

/** @param {Context} context */
export async function historyView({ path, signal }) {
	const key = decodeURIComponent(path);
	/** @type {Version[]} */
	let changes = [];
	/** @type {number | null} */
	let next = null;
	const list = h("ol", { role: "list", "aria-label": t("Changes", "Изменения") });
	const end = h("div.hint");
	const details = h("section.card", { "aria-label": t(
		"Selected change", "Выбранное изменение") });

	/** @type {Promise<void> | null} */
	let loading = null;
	const load = () => (loading ??= loadPage().finally(() => (loading = null)));
	const loadPage = async () => {
		const page = await historyOf(key, next, signal);
		next = page.next;
		const at = changes.push(...page.changes);
		list.append(...page.changes.map((change) => rowOf(change, () => select(change))));
		fill(end, changes.some(({ by, expired }) => by === null && !expired)
			&& h("p", t("Only administrators see the names of other accounts.",
				"Имена чужих учётных записей видят только администраторы.")),
		next === null ? t("The change log begins at revision {n}.",
			"Журнал изменений начинается с ревизии {n}.", { n: page.oldest })
			: button(t("Load older", "Показать более ранние"), () => load().then(() => rowAt(at)?.focus())));
	};
	/** @param {number} at */
	const rowAt = (at) => list.children[at]?.querySelector("button");
	/** @param {Version} change */
	const select = (change) => {
		const index = changes.indexOf(change);
		changes.forEach((_, at) => rowAt(at)?.setAttribute("aria-current", String(at === index)));
		const before = async () => {
			while (index + 1 === changes.length && next !== null) await load();
			return changes[index + 1]?.text ?? null;
		};
		fill(details, detailsOf({ key, change, current, before, reload }));
	};
	const reload = async () => {
		[changes, next, current] = [[], null, await readKey(key, signal)];
		fill(list);
		do await load(); while (next !== null && changes.length === 0);
		rowAt(0)?.focus();
		if (changes[0]) select(changes[0]);
		else fill(details, t(
			"This key has no changes in the log.", "В журнале нет изменений этого ключа."));
	};
	/** @type {Value | null} */
	let current = null;
	let isLogged = true;
	try {
		await reload();
	} catch (problem) {
		isLogged = !hasCode(problem, "not_found");
		if (isLogged) throw problem;
	}
	document.title = `${t("History", "История")} · KV`;
	return { element: h("div.view", h("h1", t("History", "История")),
		h("a.mono", { href: keyHref(key) }, h("bdi", key)),
		isLogged ? h("div.history", h("div", list, end), details)
			: h("p.banner", t("The change log is disabled.", "Журнал изменений отключён."))) };
}

/** @param {Version} change @param {() => void} onclick */
function rowOf({ revision, at, by, text, expired }, onclick) {
	const [name, what] = expired ? ["warn", t("expired", "истёк")]
		: text === null ? ["bad", t("deleted", "удалён")] : ["good", t("written", "записан")];
	const author = by ?? (!expired && t("another account", "другая учётная запись"));
	const facts = [t("Revision {n}", "Ревизия {n}", { n: revision }), author,
		text !== null && size(new Blob([text]).size)];
	return h("li", h("button", { type: "button", onclick },
		h("time", at === null ? "—" : dateTime(at)),
		h(`span.badge.${name}`, what),
		h("bdi.hint", facts.filter(Boolean).join(" · "))));
}
