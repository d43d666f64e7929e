// A key as it is, with its invisible characters shown by symbols that are not copied.
import { h } from "./dom.js";

/** Control and format characters, odd spaces, and spaces at the ends. */
const ODD = /([[\p{C}\p{Z}]--[ \u200d]]|^ +| +$)/v;

/** @param {string} text */
function symbol(text) {
  const code = text.codePointAt(0) ?? 0;
  if (code === 32) {
    return "·".repeat(text.length);
  }
  return code < 32 ? String.fromCharCode(0x2400 + code) : `U+${code.toString(16).toUpperCase()}`;
}

/**
 * A key, or a part of it.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function keyText(text) {
  const parts = text.split(ODD);
  return h("bdi", { class: "key-text" }, parts.map((part, i) =>
    i % 2 === 1 ? h("span", { class: "odd", "data-symbol": symbol(part) }, part) : part));
}
