// Colours a JSON text with the CSS Custom Highlight API: no element is built for it.
import { tokenize } from "../../../text/tokenizer.js";

/**
 * Colours a text up to its first error, in place of the text coloured before.
 * @param {Text} node
 */
export function colour(node) {
  if (!CSS.highlights) return;
  const [names, strings, numbers, literals] =
    ["name", "string", "number", "literal"].map((kind) => {
      const highlight = new Highlight();
      CSS.highlights.set(`json-${kind}`, highlight);
      return highlight;
    });
  const kinds = { string: strings, number: numbers, literal: literals };
  /** @type {Range | null} */
  let last = null;
  try {
    for (const { kind, start, end } of tokenize(node.data)) {
      if (kind === "punctuation" && last && node.data[start] === ":") {
        strings?.delete(last);
        names?.add(last);
      }
      if (kind === "space") continue;
      last = null;
      if (kind === "punctuation") continue;
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, end);
      kinds[kind]?.add(range);
      if (kind === "string") last = range;
    }
  } catch {
    // the text is cut or under edit: the rest has no colours
  }
}
