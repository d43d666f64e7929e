// Texts for other programs: copied, or saved as files.
import { t } from "../locale.js";
import { h } from "./dom.js";
import { notify } from "./notices.js";

/** Copies a text; navigator.clipboard would require HTTPS. @type {kv.announce} */
export function copyText(text) {
	addEventListener("copy", (event) => {
		event.clipboardData?.setData("text/plain", text);
		event.preventDefault();
		notify(t("Copied", "Скопировано"));
	}, { once: true });
	document.execCommand("copy");
}

/** @type {kv.saveFile} */
export function saveFile(blob, download) {
	const href = URL.createObjectURL(blob);
	h("a", { href, download }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
