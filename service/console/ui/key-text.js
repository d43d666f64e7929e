// A key as it is. Symbols, which are not copied, show its invisible characters.
import { h } from "./dom.js";

/** Control and format characters, odd spaces, and spaces at the ends. */
const ODD = /([[\p{Cc}\p{Cf}\p{Z}]--[ \u200d]]|^ +| +$)/v;

const SYMBOLS = { " ": "·", "\n": "↵", "\t": "⇥" };

const symbol = (odd) => SYMBOLS[odd]
	?? `U+${odd.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** @param {string} text a key, or a part of it */
export const keyText = (text) =>
	h("bdi.key-text.mono", text.split(ODD).map((part, i) => i % 2 === 0 ? part
		: h("span.odd", { "data-symbol": [...part].map(symbol).join("") }, part)));
