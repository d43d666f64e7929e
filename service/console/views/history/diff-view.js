// The lines in which a value differs from another.
import { t, tn } from "../../locale.js";
import { diffLines } from "../../text/diff.js";
import { format } from "../../text/json-text.js";
import { h } from "../../ui/index.js";

/** The characters that are compared, and the unchanged lines shown around a change. */
const [COMPARED, CONTEXT] = [65_536, 3];

/** @param {"del" | "ins"} tag @param {string} sign @param {string[]} lines */
const marked = (tag, sign, lines) => lines.length > 0
	&& h(tag, lines.map((line) => `${sign} ${line}\n`).join(""));

/** @param {string[]} lines */
const plain = (lines) => lines.map((line) => `  ${line}\n`).join("");

/** @param {string[]} lines that are the same, their middle folded */
function unchanged(lines) {
	const n = lines.length - 2 * CONTEXT;
	return n < 2 ? plain(lines) : [plain(lines.slice(0, CONTEXT)), h("span.hint",
		tn(n, ["… {n} unchanged line …", "… {n} unchanged lines …"],
			["… {n} строка без изменений …", "… {n} строки без изменений …",
				"… {n} строк без изменений …"])), "\n", plain(lines.slice(-CONTEXT))];
}

/**
 * JSON texts in one layout. `before`: null: no value `after`: or "".
 * @type {kv.diffView}
 */
export function diffView(before, after) {
	const [old = "", now = ""] = [before ?? "", after].map((text) => text && format(text));
	const isCut = Math.max(old.length, now.length) > COMPARED;
	const rows = diffLines(old.slice(0, COMPARED), now.slice(0, COMPARED));
	return [h("pre.diff", { tabindex: "0" }, old === now
		? t("The same, apart from white space.", "Совпадают с точностью до пробелов.")
		: rows.map(({ kind, left, right }) => (kind === "same" ? unchanged(left)
			: [old && marked("del", "−", left), now && marked("ins", "+", right)]))),
	isCut && h("p.hint", t(
		"Only the first 64 KiB are compared.", "Сравниваются только первые 64 КиБ."))];
}
