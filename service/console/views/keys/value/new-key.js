// Dialogs: a new key, the name of one, a lifetime.
import { keyHref } from "../../../app/router.js";
import { t } from "../../../locale.js";
import { duration } from "../../../text/format.js";
import { check } from "../../../text/tokenizer.js";
import { button, field, form, h, openDialog } from "../../../ui/index.js";
import { Entry } from "./entry.js";
import { errorText } from "./text.js";

/**
 * A dialog with a form. It closes after `submit`, unless that throws or returns false.
 * @param {string} title @param {string} label @param {Child} body
 * @param {() => Promise<unknown>} submit
 */
export function ask(title, label, body, submit) {
	const dialog = openDialog(title, form({ body, label, submit: async () => {
		if ((await submit()) !== false) dialog.close();
	} }));
}

/**
 * Asks for the name of a key that does not exist.
 * @param {string} title @param {string} label @param {string} name
 * @param {(key: string) => Promise<unknown>} write requires that it does not exist
 * @param {Child} [more]
 */
export function askKey(title, label, name, write, more) {
	const { element, input, setError } = field({ label: t("Key", "Ключ"), value: name, required: true,
		autofocus: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
	ask(title, label, [element, more], async () => {
		const key = input.value;
		try {
			return await write(key);
		} catch (error) {
			const { conflicts = {} } = /** @type {any} */ (error).members ?? {};
			if (!Object.hasOwn(conflicts, key)) throw error;
			setError(`${t("This key exists.", "Такой ключ уже есть.")} `);
			element.lastElementChild?.append(h("a", { href: keyHref(key),
				onclick: () => input.closest("dialog")?.close() }, t("Open it", "Открыть")));
			return false;
		}
	});
}

/** @param {boolean} required */
export function lifetimeField(required) {
	const { element, input } = field({ label: t(
		"Lifetime from now, in seconds", "Срок с этого момента, секунд"), required,
		type: "number", min: 1, hint: required ? "" : t(
			"Empty: it never expires.", "Пусто: бессрочно.") });
	const presets = [3600, 86_400, 604_800].map((seconds) =>
		button(duration(seconds), () => (input.value = String(seconds))));
	element.append(h("div.toolbar", presets));
	return { element, seconds: () => Number(input.value) || null };
}

/** @param {{prefix: string, oncreated: (key: string) => void}} options */
export function openNewKey({ prefix, oncreated }) {
	const value = field({ label: t("Value, as JSON", "Значение в JSON"), tag: "textarea", class: "mono", rows: 5,
		required: true, spellcheck: "false" });
	const lifetime = lifetimeField(false);
	askKey(t("New key", "Новый ключ"), t("Create", "Создать"), prefix, async (key) => {
		const { input } = value;
		const error = check(input.value);
		if (error) {
			value.setError(errorText(error));
			input.focus();
			input.setSelectionRange(error.offset, error.offset);
			return false;
		}
		await Entry.missing(key).write(input.value, lifetime.seconds());
		return oncreated(key);
	}, [value.element, lifetime.element]);
}
