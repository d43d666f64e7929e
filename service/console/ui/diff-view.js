// Two texts side by side, with the lines in which they differ.
import { t, tn } from "../locale/index.js";
import { diffLines } from "../text/diff.js";
import { format } from "../text/json-text.js";
import { h } from "./dom.js";

/** The characters of a text that are compared. */
const COMPARED = 65_536;
/** The unchanged lines that are shown before and after a change. */
const CONTEXT = 3;

/** @param {string} text JSON, or what the user has typed */
function laidOut(text) {
  try {
    return format(text);
  } catch {
    return text;
  }
}

/**
 * JSON texts are compared in one layout, unless only their white space differs.
 * @param {string | null} a null: there is no value
 * @param {string | null} b
 * @param {{labels: [string, string]}} options
 */
export function diffView(a, b, { labels }) {
  const exact = [a ?? "", b ?? ""];
  const formatted = exact.map(laidOut);
  const isLayout = formatted[0] === formatted[1];
  const compared = isLayout ? exact : formatted;
  const [left = "", right = ""] = compared.map((text) => text.slice(0, COMPARED));
  const blocks = diffLines(left, right);
  const rows = blocks.map((block, at) => (block.kind === "same"
    ? unchanged(block.left, at > 0, at < blocks.length - 1)
    : [side("del", "−", a, block.left), side("ins", "+", b, block.right)]));
  return h("div", { class: "diff" },
    h("strong", null, labels[0]), h("strong", null, labels[1]),
    a === b && note(t("There is no difference.")),
    a !== b && isLayout && note(t("Only the white space differs.")),
    compared.some((text) => text.length > COMPARED)
      && note(t("Only the first 64 KiB are compared.")),
    rows);
}

/** @param {string} text */
const note = (text) => h("p", { class: "hint" }, text);

/**
 * A run of unchanged lines; its middle is folded.
 * @param {string[]} lines
 * @param {boolean} isAfter whether it follows a change @param {boolean} isBefore
 */
function unchanged(lines, isAfter, isBefore) {
  const head = isAfter ? CONTEXT : 0;
  const tail = lines.length - (isBefore ? CONTEXT : 0);
  return tail - head < 2 ? both(lines) : [both(lines.slice(0, head)),
    note(tn("… {n} unchanged line …", "… {n} unchanged lines …", tail - head)),
    both(lines.slice(tail))];
}

/** @param {string[]} lines */
function both(lines) {
  const text = lines.map((line) => `  ${line}`).join("\n");
  return lines.length > 0
    && [h("pre", null, text), h("pre", { class: "copy", "aria-hidden": "true" }, text)];
}

/**
 * @param {"del" | "ins"} tag @param {string} sign
 * @param {string | null} text @param {string[]} lines
 */
function side(tag, sign, text, lines) {
  if (text === null) return h("pre", { class: "muted" }, t("No value"));
  return h("pre", null,
    lines.length > 0 && h(tag, null, lines.map((line) => `${sign} ${line}`).join("\n")));
}
