// JSON texts laid out and cut as text: no number, name or string is converted.
import { parse, tokenize } from "./tokenizer.js";

/** The deepest indentation: nested arrays must not exhaust the memory. */
const MOST_LEVELS = 64;

const opens = (/** @type {string} */ token) => token === "{" || token === "[";
const closes = (/** @type {string} */ token) => token === "}" || token === "]";

/** Moves white space only, or removes it. @throws {JsonError} @type {kv.format} */
export function format(text, isCompact = false) {
	let [result, depth, before] = ["", 0, ""];
	for (const { start, end } of parse(text)) {
		const token = text.slice(start, end);
		if (closes(token)) depth--;
		if (isCompact) result += token;
		else if (before === ":") result += " " + token;
		else if (opens(before) !== closes(token) || before === ",") {
			result += "\n" + "  ".repeat(Math.min(depth, MOST_LEVELS)) + token;
		} else result += token;
		if (opens(token)) depth++;
		before = token;
	}
	return result;
}

/**
 * The members of an object, duplicates too, or the nameless elements of an array.
 * @type {kv.entries}
 */
export function entries(text) {
	/** @type {[string, string][]} */
	const found = [];
	let [depth, name, start, last] = [0, "", -1, 0];
	for (const { start: at, end } of tokenize(text)) {
		const token = text.charAt(at);
		if (depth === 1 && token === ":") {
			name = JSON.parse(text.slice(start, last));
			start = -1;
		} else if (depth === 1 && (token === "," || closes(token))) {
			if (start >= 0) found.push([name, text.slice(start, last)]);
			start = -1;
		} else if (depth > 0 && start < 0) start = at;
		if (opens(token)) depth++;
		else if (closes(token)) depth--;
		last = end;
	}
	return found;
}

/** @type {kv.elements} */
export const elements = (text) => entries(text).map(([, element]) => element);

/** @type {kv.memberText} */
export const memberText = (text, name) =>
	entries(text).find(([found]) => found === name)?.[1];
