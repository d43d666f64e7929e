// Where a token of a JSON text (RFC 8259) ends.
import { t } from "../locale/index.js";

/** @typedef {"string" | "number" | "literal" | "punctuation" | "space"} Kind */

const ESCAPE = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PUNCTUATION = new Set([..."{}[]:,"].map((mark) => mark.charCodeAt(0)));

/** The first error of a JSON text. */
export class JsonError extends Error {
  /**
   * @param {string} text
   * @param {number} offset in UTF-16 units
   * @param {string} problem
   */
  constructor(text, offset, problem) {
    super(problem);
    const lines = text.slice(0, offset).split(/\r\n|[\r\n]/);
    this.offset = offset;
    this.problem = problem;
    this.line = lines.length;
    /** In code points. */
    this.column = [...(lines.at(-1) ?? "")].length + 1;
  }
}

/** @param {number} code */
const isSpace = (code) => code === 32 || code === 10 || code === 13 || code === 9;

/** @param {string} text @param {number} at */
export function spaceEnd(text, at) {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** @param {string} text @param {number} start */
function stringEnd(text, start) {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) return at + 1;
    if (code < 32) throw new JsonError(text, at, t("control character in a string"));
    if (code === 92 && at + 1 < text.length) {
      ESCAPE.lastIndex = at + 1;
      if (!ESCAPE.test(text)) throw new JsonError(text, at, t("unknown escape in a string"));
      at = ESCAPE.lastIndex - 1;
    }
  }
  throw new JsonError(text, start, t("this string has no end"));
}

/** @param {string} text @param {number} start */
function numberEnd(text, start) {
  NUMBER.lastIndex = start;
  const end = NUMBER.test(text) ? NUMBER.lastIndex : start;
  if (end > start && !/[\w.+-]/.test(text.charAt(end))) return end;
  throw new JsonError(text, start, t("this is not a number"));
}

/** @param {string} text @param {number} at @returns {Kind} by the first character */
export function kindAt(text, at) {
  const code = text.charCodeAt(at);
  if (code === 34) return "string";
  if (isSpace(code)) return "space";
  if (code === 45 || (code >= 48 && code <= 57)) return "number";
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
  throw new JsonError(text, at, t("expected a value"));
}
