// Where a token of a JSON text (RFC 8259) ends.

import { JsonError } from "./json-error.js";

/** @typedef {"string" | "number" | "literal" | "punctuation" | "space"} Kind */

const UNICODE_ESCAPE = /u[0-9a-fA-F]{4}/y;

/** @param {number} code */
const isSpace = (code) => code === 32 || code === 10 || code === 13 || code === 9;

/** @param {number} code */
const isDigit = (code) => code >= 48 && code <= 57;

/** @param {string} text @param {number} at */
export function spaceEnd(text, at) {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** @param {string} text @param {number} at the character after the backslash */
function escapeEnd(text, at) {
  if ('"\\/bfnrt'.includes(text.charAt(at))) return at + 1;
  UNICODE_ESCAPE.lastIndex = at;
  if (UNICODE_ESCAPE.test(text)) return at + 5;
  throw new JsonError(text, at - 1, "unknown escape in a string");
}

/** @param {string} text @param {number} start */
function stringEnd(text, start) {
  for (let at = start + 1; at < text.length; ) {
    const code = text.charCodeAt(at++);
    if (code === 34) return at;
    if (code === 92) at = escapeEnd(text, at);
    else if (code < 32) {
      throw new JsonError(text, at - 1, "control character in a string");
    }
  }
  throw new JsonError(text, start, "this string has no end");
}

/** @param {string} text @param {number} start */
function digitsEnd(text, start) {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  if (at === start) throw new JsonError(text, at, "expected a digit");
  return at;
}

/** @param {string} text @param {number} at */
function numberEnd(text, at) {
  if (text[at] === "-") at++;
  const first = at;
  at = digitsEnd(text, at);
  if (text[first] === "0" && at > first + 1) {
    throw new JsonError(text, first, "a number cannot begin with 0");
  }
  if (text[at] === ".") at = digitsEnd(text, at + 1);
  if (text[at] !== "e" && text[at] !== "E") return at;
  return digitsEnd(text, at + (text[at + 1] === "+" || text[at + 1] === "-" ? 2 : 1));
}

const PUNCTUATION = new Set([..."{}[]:,"].map((mark) => mark.charCodeAt(0)));

/** @param {string} text @param {number} at @returns {Kind} by the first character */
export function kindAt(text, at) {
  const code = text.charCodeAt(at);
  if (code === 34) return "string";
  if (isSpace(code)) return "space";
  if (code === 45 || isDigit(code)) return "number";
  return PUNCTUATION.has(code) ? "punctuation" : "literal";
}

/** @param {string} text @param {number} at @param {Kind} [kind] @throws {JsonError} */
export function tokenEnd(text, at, kind = kindAt(text, at)) {
  if (kind === "punctuation") return at + 1;
  if (kind === "string") return stringEnd(text, at);
  if (kind === "space") return spaceEnd(text, at);
  if (kind === "number") return numberEnd(text, at);
  for (const word of ["true", "false", "null"]) {
    if (text.startsWith(word, at)) return at + word.length;
  }
  throw new JsonError(text, at, "expected a value");
}
