// A key as it is. Symbols, which are not copied, show its invisible characters.
import { h } from "./dom.js";

/** Control and format characters, odd spaces, and spaces at the ends. */
const ODD = /([[\p{Cc}\p{Cf}\p{Z}]--[ \u200d]]|^ +| +$)/v;

/** @param {string} text */
function symbol(text) {
  const code = text.codePointAt(0) ?? 0;
  return code === 32 ? "·".repeat(text.length)
    : code < 32 ? String.fromCharCode(0x2400 + code)
      : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** @param {string} text a key, or a part of it */
export const keyText = (text) =>
  h("bdi.key-text", text.split(ODD).map((part, i) =>
    i % 2 === 1 ? h("span.odd", { "data-symbol": symbol(part) }, part) : part));
