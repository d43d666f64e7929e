// Forms: labelled fields, errors next to them, one submission at a time.
import { t } from "../locale.js";
import { describe } from "../text/problems.js";
import { attempt, button } from "./button.js";
import { openDialog } from "./dialog.js";
import { fill, h, newId } from "./dom.js";

/** Attributes of a field for text that is not prose. */
export const PLAIN = { autocomplete: "off", autocapitalize: "none", spellcheck: "false" };

/** A field with its label. @type {kv.field} */
export function field({ label, hint, tag = "input", ...attributes }) {
	const id = newId();
	const input = /** @type {HTMLInputElement} */ (h(tag, { id,
		"aria-describedby": `${id}-hint`, ...attributes }));
	return { input, element: h("div.field", h("label", { for: id }, label), input,
		h("span.hint", { id: `${id}-hint` }, hint)) };
}

/** @param {string} label */
export const passwordField = (label, autocomplete = "new-password") => field({ label,
	autocomplete, name: autocomplete, type: "password", required: true });

/** A check box with its label. @param {string} label */
export function checkbox(label, checked = false) {
	const input = h("input", { type: "checkbox", checked });
	return { element: h("label.check", input, label), input };
}

/** @type {kv.form} */
export function form({ body, label, submit, cancel, danger }) {
	const error = h("p.form-error", { role: "alert" });
	const send = h(`button.${danger ? "danger" : "primary"}`, label);
	const onsubmit = async (/** @type {Event} */ event) => {
		event.preventDefault();
		fill(error);
		send.disabled = true;
		try {
			await submit();
		} catch (problem) {
			fill(error, describe(problem));
		}
		send.disabled = false;
	};
	return h("form", { onsubmit }, body, error,
		h("div.actions", cancel && button(t("Cancel", "Отмена"), cancel), send));
}

/** A dialog with a form. @type {kv.formDialog} */
export function formDialog({ title, label = title, onclose, submit, ...options }) {
	const dialog = openDialog(title, form({ ...options, label,
		cancel: () => dialog.close(),
		submit: async () => {
			const then = /** @type {any} */ (await submit());
			dialog.close();
			if (typeof then === "function") attempt(then);
		} }), { onclose });
}

/** Asks the user. @type {kv.confirmDialog} */
export const confirmDialog = ({ title, text, action, danger, typed = "" }) =>
	new Promise((resolve) => {
		let answer = false;
		const { element, input } = field({ ...PLAIN, label: t("Type {typed} to confirm",
			"Для подтверждения введите {typed}", { typed }) });
		formDialog({ title, label: action, danger, onclose: () => resolve(answer),
			body: [text, typed && element],
			submit: () => {
				answer = input.value === typed;
				if (answer) return;
				throw new Error(t("This is not {typed}.", "Это не {typed}.", { typed }));
			} });
	});
