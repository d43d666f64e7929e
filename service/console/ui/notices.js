// Short messages in a corner, and a live region for screen readers.
import { t } from "../locale.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";

/** Milliseconds. Errors stay until closed, or until a success. */
const SHOWN_FOR = 5000;

const region = h("div.visually-hidden", { role: "status" });
const stack = h("div.notices");

/** To be put into the page. */
export const noticeElements = [region, stack];

/** Has a screen reader say a text. @type {kv.announce} */
export function announce(text) {
	region.textContent = "";
	requestAnimationFrame(() => (region.textContent = text));
}

/** Shows a message. @type {kv.notify} */
export function notify(text, kind = "success") {
	const role = kind === "error" && "alert";
	const notice = h(`div.notice.${kind}`, { role }, h("p", text),
		h("button.quiet", { type: "button", "aria-label": t("Close", "Закрыть"),
			onclick: () => notice.remove() }, icon("close")));
	[...stack.children].find((other) => other.textContent === text)?.remove();
	stack.append(notice);
	if (role) return;
	if (kind === "success") stack.querySelector(".error")?.remove();
	announce(text);
	setTimeout(() => notice.remove(), SHOWN_FOR);
}
