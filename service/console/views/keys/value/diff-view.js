// The lines in which a value differs from another.
import { t, tn } from "../../../locale.js";
import { diffLines } from "../../../text/diff.js";
import { format } from "../../../text/json-text.js";
import { h } from "../../../ui/index.js";

/** Its first 64 KiB in one layout. @param {string} text "": no value */
export const laidOut = (text) =>
	text && format(text).replace(/^([^]{65536})[^]+/, "$1\n…");

const marked = (sign, lines) => lines.map((line) => `${sign} ${line}\n`).join("");

/** Lines that are the same, their middle folded. */
function unchanged(lines) {
	const n = lines.length - 6;
	return n < 2 ? marked(" ", lines) : [marked(" ", lines.slice(0, 3)), h("span.hint",
		tn(n, ["… {n} unchanged line …", "… {n} unchanged lines …"],
			["… {n} строка без изменений …", "… {n} строки без изменений …",
				"… {n} строк без изменений …"])), "\n", marked(" ", lines.slice(-3))];
}

/** @type {kv.diffView} */
export const diffView = (before, after) => h("pre.diff", { tabindex: 0 },
	diffLines(laidOut(before), laidOut(after)).map(({ kind, left, right }) =>
		(kind === "same" ? unchanged(left) : [
			left.join("") && h("del", marked("−", left)),
			right.join("") && h("ins", marked("+", right))])),
	!after && t("No value", "Значения нет"));
