// JSON texts laid out and cut as text: no number, name or string is converted.

import { JsonError, spaceEnd, tokenEnd } from "./scanner.js";
import { verify } from "./tokenizer.js";

/** The deepest indentation, so that nested arrays do not exhaust the memory. */
const INDENTED_LEVELS = 64;

/** @param {string} token */
const isOpener = (token) => token === "{" || token === "[";

/** @param {string} token */
const isCloser = (token) => token === "}" || token === "]";

/**
 * Moves white space only.
 * @param {string} text @param {number} [indent] spaces a level; -1: no white space
 * @throws {JsonError}
 */
export function format(text, indent = 2) {
  verify(text);
  let result = "";
  let depth = 0;
  let previous = "";
  for (let at = spaceEnd(text, 0), end; at < text.length; at = spaceEnd(text, end)) {
    end = tokenEnd(text, at);
    const token = text.slice(at, end);
    if (isCloser(token)) depth--;
    if (indent < 0) result += token;
    else if (previous === ":") result += " " + token;
    else if (isOpener(previous) !== isCloser(token) || previous === ",") {
      result += "\n" + " ".repeat(indent * Math.min(depth, INDENTED_LEVELS)) + token;
    } else result += token;
    if (isOpener(token)) depth++;
    previous = token;
  }
  return result;
}

/** @param {string} text @throws {JsonError} */
export const compact = (text) => format(text, -1);

/** @param {string} text @param {number} at @returns {number} end of the value there */
function valueEnd(text, at) {
  let depth = 0;
  do {
    const mark = text.charAt(at);
    at = tokenEnd(text, at);
    if (isOpener(mark)) depth++;
    else if (isCloser(mark)) depth--;
  } while (depth > 0);
  return at;
}

/**
 * Expects valid JSON, as the service sends.
 * @param {string} text @param {"{" | "["} opener
 * @returns {Generator<[string, string], void>} name (of an array: "") and exact text
 */
function* parts(text, opener) {
  let at = spaceEnd(text, 0);
  if (text[at] !== opener) throw new JsonError(text, at, `expected ${opener}`);
  at = spaceEnd(text, at + 1);
  while (!isCloser(text.charAt(at))) {
    let name = "";
    if (opener === "{") {
      const end = tokenEnd(text, at);
      name = JSON.parse(text.slice(at, end));
      at = spaceEnd(text, spaceEnd(text, end) + 1);
    }
    const end = valueEnd(text, at);
    yield [name, text.slice(at, end)];
    at = spaceEnd(text, end);
    if (text[at] === ",") at = spaceEnd(text, at + 1);
  }
}

/** @param {string} text an object @returns {[string, string][]} duplicates too */
export const entries = (text) => [...parts(text, "{")];

/** @param {string} text an array */
export const elements = (text) => Array.from(parts(text, "["), ([, raw]) => raw);

/**
 * The first such member.
 * @param {string} text an object @param {string} name
 * @returns {string | undefined}
 */
export function memberText(text, name) {
  for (const [found, raw] of parts(text, "{")) if (found === name) return raw;
  return undefined;
}
