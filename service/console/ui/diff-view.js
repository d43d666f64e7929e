// Two texts side by side, with the lines in which they differ.
import { t, tn } from "../locale.js";
import { diffLines } from "../text/diff.js";
import { format } from "../text/json-text.js";
import { h } from "./dom.js";

/** The characters that are compared, and the unchanged lines shown around a change. */
const [COMPARED, CONTEXT] = [65_536, 3];

/** @param {string} text JSON, or what a user has typed */
function laidOut(text) {
	try {
		return format(text);
	} catch {
		return text;
	}
}

const note = (/** @type {string} */ text) => h("p.hint", text);

/**
 * JSON texts are compared in one layout, unless only their white space differs.
 * @param {string | null} a null: no value @param {string | null} b
 * @param {[left: string, right: string]} labels
 */
export function diffView(a, b, labels) {
	const exact = [a ?? "", b ?? ""];
	const formatted = exact.map(laidOut);
	const isLayout = formatted[0] === formatted[1];
	const compared = isLayout ? exact : formatted;
	const [left = "", right = ""] = compared.map((text) => text.slice(0, COMPARED));
	const rows = diffLines(left, right).map(({ kind, left, right }, at, { length }) =>
		(kind === "same" ? unchanged(left, at > 0, at < length - 1)
			: [side("del", "−", a, left), side("ins", "+", b, right)]));
	return h("div.diff", h("strong", `− ${labels[0]}`), h("strong", `+ ${labels[1]}`),
		isLayout && note(a === b ? t("There is no difference.", "Различий нет.")
			: t("Only the white space differs.", "Различаются только пробелы.")),
		compared.some((text) => text.length > COMPARED) && note(t(
			"Only the first 64 KiB are compared.", "Сравниваются только первые 64 КиБ.")), rows);
}

/**
 * A run of lines, its middle folded.
 * @param {string[]} lines @param {boolean} isAfter @param {boolean} isBefore a change
 */
function unchanged(lines, isAfter, isBefore) {
	const head = isAfter ? CONTEXT : 0;
	const tail = lines.length - (isBefore ? CONTEXT : 0);
	return tail - head < 2 ? both(lines) : [both(lines.slice(0, head)),
		note(tn(tail - head, ["… {n} unchanged line …", "… {n} unchanged lines …"],
			["… {n} строка без изменений …", "… {n} строки без изменений …",
				"… {n} строк без изменений …"])),
		both(lines.slice(tail))];
}

/** @param {string[]} lines */
function both(lines) {
	const text = lines.map((line) => `  ${line}`).join("\n");
	return text && [h("pre", text), h("pre", { "aria-hidden": "true" }, text)];
}

/** @type {(tag: "del" | "ins", sign: string, t: string | null, l: string[]) => Child} */
function side(tag, sign, text, lines) {
	const marked = lines.map((line) => `${sign} ${line}`).join("\n");
	return h("pre", text === null ? t("No value", "Значения нет") : marked && h(tag, marked));
}
