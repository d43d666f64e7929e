// Dialogs: a new key, the name of one; a field for a lifetime.
import { t } from "../../../locale.js";
import { duration } from "../../../text/format.js";
import { check } from "../../../text/tokenizer.js";
import { PLAIN, button, field, formDialog, h } from "../../../ui/index.js";
import { entryOf } from "./entry.js";

/** Asks for the name of a new key. @type {kv.askKey} */
export function askKey({ title, label, name, more, save, done }) {
	const { element, input } = field({ ...PLAIN, label: t("Key", "Ключ"), value: name,
		required: true });
	formDialog({ title, label, body: [element, more], submit: async () => {
		const key = input.value;
		await save(key).catch((error) => {
			throw error.members?.conflicts?.[key]
				? new Error(t("This key exists.", "Такой ключ уже есть.")) : error;
		});
		return () => done(key);
	} });
}

export function lifetimeField() {
	const { element, input } = field({ type: "number", min: 1, max: 3e9,
		label: t("Lifetime from now, in seconds", "Срок с этого момента, секунд"),
		hint: t("Empty: it never expires.", "Пусто: бессрочно.") });
	element.append(h("div.toolbar", [3600, 86_400, 604_800].map((seconds) =>
		button(duration(seconds), () => (input.value = String(seconds))))));
	return { element, seconds: () => Number(input.value) || null };
}

/** @type {kv.openNewKey} */
export function openNewKey({ prefix, oncreated }) {
	const { element, input } = field({ tag: "textarea", class: "mono", rows: 5,
		label: t("Value, as JSON", "Значение в JSON"), required: true, spellcheck: "false" });
	const lifetime = lifetimeField();
	askKey({ title: t("New key", "Новый ключ"), label: t("Create", "Создать"), name: prefix,
		more: [element, lifetime.element], done: oncreated,
		save: async (key) => {
			const error = check(input.value);
			if (error) throw error;
			await entryOf(key).write(input.value, lifetime.seconds());
		} });
}
