// The tokens of a JSON text (RFC 8259), and the check of its grammar.
import { t } from "../locale.js";

// linear: a character is matched in one way only
const STRING =
	/"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*/y;
const TOKEN = new RegExp(`(${STRING.source}"|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?`
	+ "(?:[eE][+-]?\\d+)?(?![\\w.+-])|(?:true|false|null)(?!\\w)|[{}[\\]:,])", "y");
const SPACE = /[ \t\n\r]*/y;

/** The first error of a JSON text. Lines and columns, in code points, begin at 1. */
export class JsonError extends Error {
	/** @param {string} text */
	constructor(text, offset, problem) {
		const lines = text.slice(0, offset).split(/\r\n|[\r\n]/);
		const column = [...(lines.at(-1) ?? "")].length + 1;
		super(t("Line {line}, column {column}: {problem}",
			"Строка {line}, столбец {column}: {problem}",
			{ line: lines.length, column, problem }));
		this.offset = offset;
	}
}

function endOf(pattern, text, at) {
	pattern.lastIndex = at;
	return pattern.test(text) ? pattern.lastIndex : at;
}

/** The tokens, in any order. @throws {JsonError} @type {kv.tokenize} */
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

function malformed(text, start) {
	const end = endOf(STRING, text, start);
	if (text[start] !== '"') return new JsonError(text, start, expected("value"));
	if (end === text.length) {
		return new JsonError(text, start, t("this string has no end", "строка не закончена"));
	}
	return new JsonError(text, end, text[end] === "\\"
		? t("unknown escape in a string", "неизвестное экранирование в строке")
		: t("control character in a string", "управляющий символ в строке"));
}

/** The error in a state of the grammar, which is named after what may follow. */
const expected = (/** @type {string} */ state) => ({
	value: t("expected a value", "ожидается значение"),
	item: t("expected a value or ]", "ожидается значение или ]"),
	name: t("expected a name", "ожидается имя"),
	member: t("expected a name or }", "ожидается имя или }"),
	colon: t("expected a colon", "ожидается двоеточие"),
	"after ]": t("expected a comma or ]", "ожидается запятая или ]"),
	"after }": t("expected a comma or }", "ожидается запятая или }"),
}[state] ?? t("expected the end of the text", "ожидается конец текста"));

/** The tokens of one JSON value. @throws {JsonError} @type {kv.parse} */
export function* parse(text) {
	/** The ends of the open containers. @type {string[]} */
	const open = [];
	let state = "value";
	const after = () => `after ${open.at(-1) ?? ""}`;
	for (const token of tokenize(text)) {
		const mark = token.kind === "mark" ? text.charAt(token.start) : "";
		if (mark && mark === open.at(-1) && /^(item|member|after)/.test(state)) {
			open.pop();
			state = after();
		} else if (/item|value/.test(state) && !/[\]}:,]/.test(mark)) {
			if (mark) open.push(mark === "[" ? "]" : "}");
			state = mark === "[" ? "item" : mark ? "member" : after();
		} else if (/name|member/.test(state) && token.kind === "string") state = "colon";
		else if (state === "colon" && mark === ":") state = "value";
		else if (state === "after ]" && mark === ",") state = "value";
		else if (state === "after }" && mark === ",") state = "name";
		else throw new JsonError(text, token.start, expected(state));
		yield token;
	}
	if (state !== "after ") throw new JsonError(text, text.length, expected(state));
}

/** The first error of a text; null: it is one JSON value. @param {string} text */
export function check(text) {
	try {
		for (const _ of parse(text)) continue;
		return null;
	} catch (error) {
		return /** @type {JsonError} */ (error);
	}
}
