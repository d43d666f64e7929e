// A change of a key: what it changed, its text, and a button that restores it.
import { readKey, writeKeys } from "../../api/keys.js";
import { t } from "../../locale.js";
import { attempt, button, confirmDialog, fill, h, notify } from "../../ui/index.js";
import { diffView } from "../../ui/diff-view.js";

/** The characters of a text that are shown. */
const SHOWN = 65_536;

/**
 * @param {{key: string, change: Version,
 *   before: () => Promise<string | null>, reload: () => Promise<void>,
 *   current: Value | null}} options
 */
export function detailsOf({ key, change, current, before, reload }) {
	const { text, revision: n } = change;
	const title = t("Revision {n}", "Ревизия {n}", { n });
	const [old, now] = [t("Value before", "Прежнее значение"), t("Current value", "Текущее значение")];
	const diff = h("div");
	const compare = async () => fill(diff, select.value === old
		? diffView(await before(), text, [old, title])
		: diffView(text, current?.text ?? null, [title, now]));
	const select = h("select", { onchange: () => attempt(compare) },
		h("option", old), h("option", now));
	const restore = async () => {
		const isSure = await confirmDialog({ title: t(
			"Restore this value", "Восстановить значение"),
			text: t("It replaces the current value. The history keeps both.",
				"Оно заменит текущее. В истории останутся оба."),
			action: t("Restore this value", "Восстановить значение") });
		if (!isSure || text === null) return;
		const ttl = (await readKey(key))?.ttl; // what is left by now
		const conditions = { [key]: current?.revision ?? null };
		const ttls = ttl ? { [key]: ttl } : {};
		await writeKeys({ data: [[key, text]], conditions, ttls }).finally(reload);
		notify(t(
			"The value of revision {n} was restored.", "Значение ревизии {n} "
			+ "восстановлено.",
			{ n }));
	};
	attempt(compare);
	return [h("div.toolbar", h("h2", title),
		h("label.toolbar.end", t("Compare with", "Сравнить"), select),
		text !== null && button(t("Restore this value", "Восстановить значение"), restore)),
	diff, text !== null && [h("h3", t("Exact text", "Точный текст")),
		h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")]];
}
