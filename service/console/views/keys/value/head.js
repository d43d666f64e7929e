// The head of the value pane: the key, its size, its revision, its lifetime, warnings.
import { t } from "../../../locale.js";
import { duration, size } from "../../../text/format.js";
import { describe } from "../../../text/problems.js";
import { button, h, icon, keyText } from "../../../ui/index.js";
import { ask, lifetimeField, openNewKey } from "./new-key.js";

/** @import {Pane} from "./index.js" */

/** The key, with links to its prefixes. @param {Pane} pane */
export function heading({ options: { key, onclose } }) {
	const parts = key.split(/(?<=\/)/);
	const links = parts.map((part, at) => {
		const prefix = encodeURIComponent(parts.slice(0, at + 1).join(""));
		const name = keyText(part);
		return part.endsWith("/") ? h("a", { href: `#/keys?prefix=${prefix}` }, name) : name;
	});
	return h("header", h("h2.mono", links), button(t("Close", "Закрыть"), onclose, "quiet", "close"));
}

/** @param {Pane} pane */
export function facts(pane) {
	const { entry } = pane;
	const live = async (/** @type {number | null} */ ttl) =>
		pane.written(await entry.write(entry.text, ttl));
	const askLifetime = () => {
		const { element, seconds } = lifetimeField(true);
		ask(t("Lifetime", "Срок"), t("Set", "Задать"), element, () => live(seconds()));
	};
	const canChange = !pane.isEditing && !entry.isExpired;
	return h("div.toolbar.muted", h("span", size(entry.size)),
		entry.revision !== null && h("span", t(
			"Revision {n}", "Ревизия {n}", { n: entry.revision })),
		entry.ttl !== null && countdown(pane),
		canChange && (entry.ttl === null ? button(t("Set a lifetime…", "Задать срок…"), askLifetime, "link")
			: [button(t("Extend…", "Продлить…"), askLifetime, "link"),
				button(t("Persist", "Бессрочно"), () => live(null), "link")]));
}

/** @param {Pane} pane */
function countdown(pane) {
	const { entry } = pane;
	const element = h("span", { role: "timer" });
	const show = () => (element.textContent = entry.isExpired ? t("Expired", "Срок истёк")
		: t("Expires in {time}", "Истекает через {time}",
			{ time: duration(Math.ceil(entry.ttl ?? 0)) }));
	const timer = setInterval(() => {
		show();
		if (!entry.isExpired) return;
		clearInterval(timer);
		if (pane.isEditing) pane.report();
		else pane.show(entry);
	}, 500);
	pane.signal.addEventListener("abort", () => clearInterval(timer));
	show();
	return element;
}

/** That what is shown is out of date, if it is. @param {Pane} pane */
export function warning({ entry, isEditing, newest: { revision, isDeleted }, load }) {
	const isGone = !entry?.revision || entry.isExpired;
	if (revision > (entry?.revision ?? 0) && !(isDeleted && isGone)) {
		return h("p.banner", icon("warning"),
			t("Changed by another client at revision {n}.",
				"Изменено другим клиентом, ревизия {n}.", { n: revision }), " ", isEditing
				? t("Saving will show the conflict.", "При сохранении будет показан конфликт.") : button(t("Show", "Показать"), load));
	}
	return entry?.isExpired && h("p.banner", icon("warning"),
		t("This key has expired. This was its last value.",
			"Срок ключа истёк. Это его последнее значение."));
}

/** That there is no value, or why not. @param {Pane} pane @param {unknown} [error] */
export function trouble({ options: { key, onwritten, onopen }, load }, error) {
	const create = () => openNewKey({ prefix: key, oncreated: (name) => {
		onwritten(name);
		if (name === key) load();
		else onopen(name);
	} });
	return error ? h("div.empty", { role: "alert" }, h("p", describe(error)),
		button(t("Try again", "Повторить"), load))
		: h("div.empty", h("p", t("This key does not exist.", "Такого ключа нет.")), button(t(
			"Create", "Создать"), create, "primary"));
}
