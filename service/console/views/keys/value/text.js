// Shows, colours, copies and downloads exact texts; a button with a shortcut.
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { size } from "../../../text/format.js";
import { tokenize } from "../../../text/tokenizer.js";
import { button, h, notify } from "../../../ui/index.js";

/** Bytes. A browser would take long to lay out and to colour a longer text. */
export const LARGE = 256 * 1024;
const SHOWN = 64 * 1024;
const COLON = /\s*:/y;

/** The text; of a large one the beginning. @param {Entry} entry */
export function valueText({ text, size: bytes }) {
	const isLarge = bytes > LARGE;
	// does not cut a character
	const { read } = new TextEncoder().encodeInto(text, new Uint8Array(SHOWN));
	const node = document.createTextNode(text.slice(0, isLarge ? read : undefined));
	colour(node);
	return [isLarge && h("p.hint", t("The first {part} of {whole}.",
		"Первые {part} из {whole}.", { part: size(SHOWN), whole: size(bytes) })),
	h("pre.value-text", { tabindex: 0, role: "region", "aria-label": t("Text", "Текст") },
		node)];
}

/** Colours the only coloured text, up to its first error. @param {Text} node */
export function colour(node) {
	try {
		CSS.highlights.clear();
		for (const { kind, start, end } of tokenize(node.data)) {
			if (kind === "mark") continue;
			COLON.lastIndex = end;
			const name = `json-${kind === "string" && COLON.test(node.data) ? "name" : kind}`;
			const range = new StaticRange({ startContainer: node, startOffset: start,
				endContainer: node, endOffset: end });
			if (!CSS.highlights.get(name)?.add(range)) {
				CSS.highlights.set(name, new Highlight(range));
			}
		}
	} catch {
		// it is cut or under edit
	}
}

/** @type {kv.keyButton} */
export function keyButton(key, label, run, signal, kind = "", sign = "") {
	const element = button(label, run, kind, sign);
	shortcut(key, label, () => element.click(), signal);
	return element;
}

/** Copies a text; navigator.clipboard would require HTTPS. @type {kv.copy} */
export function copy(text) {
	addEventListener("copy", (event) => {
		event.clipboardData?.setData("text/plain", text);
		event.preventDefault();
		notify(t("Copied", "Скопировано"));
	}, { once: true });
	document.execCommand("copy");
}

/** @type {kv.download} */
export function download(key, text) {
	const href = URL.createObjectURL(new Blob([text]));
	h("a", { href, download: `${key}.json` }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
