// The head of the value pane: the key, its size, its revision, its lifetime, warnings.
import { t } from "../../../locale.js";
import { duration, size } from "../../../text/format.js";
import { button, fill, formDialog, h, icon, keyText } from "../../../ui/index.js";
import { lifetimeField, openNewKey } from "./new-key.js";

/** The key, with a link to its prefix. @param {Pane} pane */
export function heading({ key, onclose }) {
	const prefix = key.replace(/[^/]*$/, "");
	const href = `#/keys?prefix=${encodeURIComponent(prefix)}`;
	return h("header", h("h2.mono", prefix && h("a", { href }, keyText(prefix)),
		keyText(key.slice(prefix.length))),
		button(t("Close", "Закрыть"), onclose, "quiet", "close"));
}

/** @param {Pane} pane */
export function facts(pane) {
	const { entry, isEditing } = pane;
	const live = async (ttl) => pane.written(await entry.write(entry.text, ttl));
	const ask = () => {
		const { element, seconds } = lifetimeField();
		formDialog({ title: t("Lifetime", "Срок"), label: t("Set", "Задать"), body: element,
			submit: () => live(seconds()) });
	};
	const { ttl, isExpired } = entry;
	return h("div.toolbar.muted", h("span", size(entry.size)),
		entry.revision && h("span", t("Revision {n}", "Ревизия {n}", { n: entry.revision })),
		ttl && !isExpired && countdown(pane),
		!isEditing && !isExpired && [
			button(ttl ? t("Extend…", "Продлить…") : t("Set a lifetime…", "Задать срок…"),
				ask, "link"),
			ttl && button(t("Persist", "Бессрочно"), () => live(null), "link")]);
}

function countdown(pane) {
	const { entry, signal } = pane;
	const element = h("span", { role: "timer" });
	const tick = () => {
		if (signal.aborted) return;
		fill(element);
		if (entry.isExpired) return pane.isEditing ? pane.report() : pane.show(entry);
		fill(element, t("Expires in {time}", "Истекает через {time}",
			{ time: duration(Math.ceil(entry.ttl ?? 0)) }));
		setTimeout(tick, 500);
	};
	tick();
	return element;
}

/** That what is shown is out of date, if it is. @param {Pane} pane */
export function warning({ entry, isEditing, newest, load }) {
	const banner = (...says) => h("p.banner", icon("warning"), says);
	if (newest > (entry?.revision ?? 0)) {
		return banner(t("Changed by another client at revision {n}.",
			"Изменено другим клиентом, ревизия {n}.", { n: newest }), !isEditing
			&& button(t("Show", "Показать"), load));
	}
	return entry?.isExpired && banner(t("This key has expired. Its last value:",
		"Срок ключа истёк. Последнее значение:"));
}

/** That there is no value. @param {Pane} pane */
export const missing = ({ key, onwritten, load }) => h("div.empty",
	h("p", t("This key does not exist.", "Такого ключа нет.")),
	button(t("Create", "Создать"), () => openNewKey({ prefix: key, oncreated: (name) => {
		onwritten(name, name);
		load();
	} }), "primary"));
