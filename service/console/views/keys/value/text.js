// Shows, copies and downloads exact texts.
import { t } from "../../../locale/index.js";
import { size } from "../../../text/format.js";
import { tokenize } from "../../../text/tokenizer.js";
import { h } from "../../../ui/dom.js";
import { notify } from "../../../ui/notices.js";

/** Bytes. Beyond, a browser would take long to lay out and to colour the text. */
export const LARGE = 256 * 1024;
const SHOWN = 64 * 1024;

/** The text; of a large one the beginning. @param {import("./entry.js").Entry} entry */
export function valueText({ text, size: bytes }) {
  const isLarge = bytes > LARGE;
  // does not cut a character
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(SHOWN));
  const node = document.createTextNode(isLarge ? text.slice(0, read) : text);
  colour(node);
  return [isLarge && h("p", { class: "hint" },
    t("The first {part} of {whole}.", { part: size(SHOWN), whole: size(bytes) })),
  h("pre", { class: "value-text", tabindex: 0, role: "region", "aria-label": t("Value") }, node)];
}

/**
 * Colours a JSON text up to its first error, without elements. There is one such text.
 * @param {Text} node
 */
export function colour(node) {
  if (!CSS.highlights) return;
  const kinds = /** @type {Record<string, Highlight>} */ ({});
  for (const kind of ["name", "string", "number", "literal"]) {
    CSS.highlights.set(`json-${kind}`, (kinds[kind] = new Highlight()));
  }
  /** @type {Range | null} */
  let string = null;
  try {
    for (const { kind, start, end } of tokenize(node.data)) {
      if (string && node.data[start] === ":") {
        kinds.string?.delete(string);
        kinds.name?.add(string);
      }
      if (kind === "space") continue;
      string = null;
      if (kind === "punctuation") continue;
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, end);
      kinds[kind]?.add(range);
      if (kind === "string") string = range;
    }
  } catch {
    // the text is cut or under edit
  }
}

/** @param {{line: number, column: number, expected: string}} error */
export const errorText = ({ line, column, expected }) =>
  t("Line {line}, column {column}: {expected}", { line, column, expected });

/** Copies it, also without HTTPS, where there is no navigator.clipboard.
 * @param {string} text */
export function copy(text) {
  addEventListener("copy", (event) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    notify(t("Copied"), { kind: "success" });
  }, { once: true, capture: true });
  document.execCommand("copy");
}

/** @param {string} key @param {string} text */
export function download(key, text) {
  const name = key.replace(/[/\\:*?"<>|\p{C}]+/gu, "_").replace(/(\.json)?$/, ".json");
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
