// Shows the exact text of a value, coloured; of a large one the beginning.
import { t } from "../../../locale/index.js";
import { size } from "../../../text/format.js";
import { h } from "../../../ui/dom.js";
import { colour } from "./highlight.js";

/** Bytes. Beyond, a browser would take long to lay out and to colour the text. */
export const LARGE = 256 * 1024;
const SHOWN = 64 * 1024;

/** @param {import("./entry.js").Entry} entry */
export function valueText({ text, size: bytes }) {
  const isLarge = bytes > LARGE;
  const node = document.createTextNode(isLarge ? head(text, SHOWN) : text);
  colour(node);
  return [isLarge && h("p", { class: "hint" }, t("The first {part} of {whole}.",
    { part: size(SHOWN), whole: size(bytes) })),
  h("pre", { class: "value-text", tabindex: "0", role: "region", "aria-label": t("Value") },
    node)];
}

/** The first bytes of a text, without a part of a character.
 * @param {string} text @param {number} bytes */
function head(text, bytes) {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);
}
