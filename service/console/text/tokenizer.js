// The tokens of a JSON text (RFC 8259), and the check of its grammar.
import { t } from "../locale.js";

/** @typedef {{kind: "string" | "number" | "literal" | "mark", start: number,
 *   end: number}} Token */

const STRING =
	/"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*/y;
const TOKEN = new RegExp(`(${STRING.source}"|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?`
	+ "(?:[eE][+-]?\\d+)?(?![\\w.+-])|(?:true|false|null)(?!\\w)|[{}[\\]:,])", "y");
const SPACE = /[ \t\n\r]*/y;

/** The first error of a JSON text. Lines and columns, in code points, begin at 1. */
export class JsonError extends Error {
	/** @param {string} text @param {number} offset @param {string} problem */
	constructor(text, offset, problem) {
		const lines = text.slice(0, offset).split(/\r\n|[\r\n]/);
		const line = lines.length;
		const column = [...(lines.at(-1) ?? "")].length + 1;
		super(t("Line {line}, column {column}: {problem}",
			"Строка {line}, столбец {column}: {problem}", { line, column, problem }));
		this.offset = offset;
	}
}

/** @param {RegExp} pattern @param {string} text @param {number} at where it ends */
function endOf(pattern, text, at) {
	pattern.lastIndex = at;
	return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * The tokens, in any order.
 * @param {string} text
 * @returns {Generator<Token, void>} @throws {JsonError}
 */
export function* tokenize(text) {
	for (let end = 0, start; (start = endOf(SPACE, text, end)) < text.length;) {
		end = endOf(TOKEN, text, start);
		if (end === start) throw malformed(text, start);
		const first = text.charAt(start);
		const kind = first === '"' ? "string" : /[-\d]/.test(first) ? "number"
			: /\w/.test(first) ? "literal" : "mark";
		yield { kind, start, end };
	}
}

/** @param {string} text @param {number} start of what is not a token */
function malformed(text, start) {
	const end = endOf(STRING, text, start);
	if (text[start] !== '"') return new JsonError(text, start, EXPECTED().value);
	if (end === text.length) return new JsonError(text, start,
		t("this string has no end", "у строки нет конца"));
	return new JsonError(text, end, text[end] === "\\"
		? t("unknown escape in a string", "неизвестная последовательность после \\")
		: t("control character in a string", "управляющий символ в строке"));
}

/** What may follow, and the error if something else does. */
const EXPECTED = () => ({
	value: t("expected a value", "ожидается значение"),
	item: t("expected a value or ]", "ожидается значение или ]"),
	name: t("expected a name", "ожидается имя"),
	member: t("expected a name or }", "ожидается имя или }"),
	colon: t("expected a colon", "ожидается двоеточие"),
	afterItem: t("expected a comma or ]", "ожидается запятая или ]"),
	afterMember: t("expected a comma or }", "ожидается запятая или }"),
	end: t("expected the end of the text", "ожидается конец текста"),
});

/**
 * The tokens of one JSON value.
 * @param {string} text
 * @returns {Generator<Token, void>} @throws {JsonError} where the grammar is broken
 */
export function* parse(text) {
	/** @type {string[]} the ends of the open containers */
	const open = [];
	/** @type {keyof ReturnType<typeof EXPECTED>} */
	let state = "value";
	const after = () => !open.length ? "end"
		: open.at(-1) === "]" ? "afterItem" : "afterMember";
	for (const token of tokenize(text)) {
		const mark = token.kind === "mark" ? text.charAt(token.start) : "";
		if (mark === open.at(-1) && /^(item|member|after)/.test(state)) {
			open.pop();
			state = after();
		} else if (/item|value/.test(state) && !/[\]}:,]/.test(mark)) {
			if (mark) open.push(mark === "[" ? "]" : "}");
			state = mark === "[" ? "item" : mark ? "member" : after();
		} else if (/name|member/.test(state) && token.kind === "string") state = "colon";
		else if (state === "colon" && mark === ":") state = "value";
		else if (state === "afterItem" && mark === ",") state = "value";
		else if (state === "afterMember" && mark === ",") state = "name";
		else throw new JsonError(text, token.start, EXPECTED()[state]);
		yield token;
	}
	if (state !== "end") throw new JsonError(text, text.length, EXPECTED()[state]);
}

/** The first error of a text; null: it is one JSON value. @param {string} text */
export function check(text) {
	try {
		for (const _ of parse(text));
		return null;
	} catch (error) {
		return /** @type {JsonError} */ (error);
	}
}
