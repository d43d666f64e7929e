// The tokens of a JSON text (RFC 8259), and the check of its grammar.

import { t } from "../locale/index.js";
import { JsonError, kindAt, spaceEnd, tokenEnd } from "./scanner.js";

export { JsonError };

/** @typedef {{kind: import("./scanner.js").Kind, start: number, end: number}} Token */

/**
 * Does not check the order of the tokens.
 * @param {string} text @param {number} [from]
 * @returns {Generator<Token, void>} @throws {JsonError}
 */
export function* tokenize(text, from = 0) {
  for (let start = from, end; start < text.length; start = end) {
    const kind = kindAt(text, start);
    end = tokenEnd(text, start, kind);
    yield { kind, start, end };
  }
}

// The states of the grammar: what may follow. A container may end in the odd ones.
const [VALUE, ITEM, NAME, MEMBER] = [0, 1, 2, 3];
const [COLON, AFTER_ITEM, END, AFTER_MEMBER] = [4, 5, 6, 7];
const problems = () => [
  t("expected a value"),
  t("expected a value or ]"),
  t("expected a name"),
  t("expected a name or }"),
  t("expected a colon"),
  t("expected a comma or ]"),
  t("expected the end of the text"),
  t("expected a comma or }"),
];

/** @param {string[]} open */
function afterValue(open) {
  if (open.length === 0) return END;
  return open[open.length - 1] === "]" ? AFTER_ITEM : AFTER_MEMBER;
}

/**
 * @param {number} state @param {string} kind
 * @param {string} mark the token, if it is punctuation
 * @param {string[]} open ends of the open containers
 * @returns {number} the state that follows; -1: the token does not fit
 */
function next(state, kind, mark, open) {
  if (state % 2 === 1 && mark === open[open.length - 1]) {
    open.pop();
    return afterValue(open);
  }
  if (state === NAME || state === MEMBER) return kind === "string" ? COLON : -1;
  if (state === COLON) return mark === ":" ? VALUE : -1;
  if (state === AFTER_ITEM) return mark === "," ? VALUE : -1;
  if (state === AFTER_MEMBER) return mark === "," ? NAME : -1;
  if (state === END) return -1;
  if (mark !== "[" && mark !== "{") return mark ? -1 : afterValue(open);
  open.push(mark === "[" ? "]" : "}");
  return mark === "[" ? ITEM : MEMBER;
}

/** @param {string} text @throws {JsonError} unless it is one JSON value */
export function verify(text) {
  /** @type {string[]} */
  const open = [];
  let state = VALUE;
  let at = spaceEnd(text, 0);
  if (at === text.length) throw new JsonError(text, at, t("the text is empty"));
  while (at < text.length) {
    const kind = kindAt(text, at);
    const mark = kind === "punctuation" ? text.charAt(at) : "";
    const following = next(state, kind, mark, open);
    if (following < 0) throw new JsonError(text, at, `${problems()[state]}`);
    at = spaceEnd(text, tokenEnd(text, at, kind));
    state = following;
  }
  if (state !== END) throw new JsonError(text, at, `${problems()[state]}`);
}

/**
 * @param {string} text
 * @returns {{offset: number, line: number, column: number, expected: string} | null}
 *   the first error; null: it is one JSON value
 */
export function check(text) {
  try {
    verify(text);
    return null;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { offset, line, column, problem: expected } = error;
    return { offset, line, column, expected };
  }
}
