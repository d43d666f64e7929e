// Shows and colours exact texts; a button with a shortcut.
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { size } from "../../../text/format.js";
import { tokenize } from "../../../text/tokenizer.js";
import { button, h } from "../../../ui/index.js";

/** Bytes: a browser would take long to lay out and to colour a longer text. */
export const LARGE = 256 * 1024;
const SHOWN = 64 * 1024;
const COLON = /\s*:/y;

/** A text; of a large one the beginning. @param {string} text */
export function valueText(text) {
	const { size: whole } = new Blob([text]);
	// does not cut a character
	const { read } = new TextEncoder().encodeInto(text, new Uint8Array(SHOWN));
	const node = document.createTextNode(whole > LARGE ? text.slice(0, read) : text);
	colour(node);
	return [node.data !== text && h("p.hint", t("The first {part} of {whole}.",
		"Первые {part} из {whole}.", { part: size(SHOWN), whole: size(whole) })),
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
