// Modal dialogs. The browser keeps the focus inside, and gives it back.
import { t } from "../locale.js";
import { button } from "./button.js";
import { h, newId } from "./dom.js";

/** @type {kv.openDialog} */
export function openDialog(title, body, { onclose, ...options } = {}) {
	const id = newId();
	const content = h("div.dialog-body", body);
	const closed = () => {
		element.remove();
		onclose?.();
	};
	const element = h("dialog", { "aria-labelledby": id, onclose: closed, ...options },
		h("header", h("h2", { id }, title),
			button(t("Close", "Закрыть"), () => element.close(), "quiet", "close")), content);
	document.body.append(element);
	element.showModal();
	/** @type {HTMLElement | null} */
	(content.querySelector("input:not([readonly]), textarea, .actions button"))?.focus();
	return element;
}
