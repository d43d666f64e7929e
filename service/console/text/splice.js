// Edits of a <textarea>, which shows every line end as \n, applied to the exact text.

const LINE_END = /\r\n|[\r\n]/g;

/** The earlier states that are kept, besides the original. */
const REMEMBERED = 20;

/** @param {string} text */
const normalised = (text) => text.replace(LINE_END, "\n");

/** @param {string} left @param {string} right \r and \n that meet stay two line ends */
const join = (left, right) =>
	left + (left.endsWith("\r") && right.startsWith("\n") ? "\n" : "") + right;

/** @param {string} exact @param {number} offset in the shown text */
function exactOffset(exact, offset) {
	for (let at = exact.indexOf("\r\n"); at >= 0 && at < offset; ) {
		offset++;
		at = exact.indexOf("\r\n", at + 2);
	}
	return offset;
}

/** A text under edit, which keeps the bytes of what is not touched. */
export class ExactText {
	/** @type {{shown: string, exact: string}[]} the original, then the latest */
	#states = [];
	#exact = "";
	#shown = "";

	/** @param {string} original */
	constructor(original) {
		this.replace(original);
	}

	get exact() {
		return this.#exact;
	}

	/** What belongs in the <textarea>. */
	get shown() {
		return this.#shown;
	}

	/** Remembers the text before and after. @param {string} exact */
	replace(exact) {
		if (this.#states.length > 0) this.#remember();
		this.#exact = exact;
		this.#shown = normalised(exact);
		this.#remember();
	}

	/** @param {string} shown the text of the <textarea> after an edit or an undo */
	edit(shown) {
		const known = this.#states.findLast((state) => state.shown === shown);
		this.#exact = known ? known.exact : this.#spliced(shown);
		this.#shown = shown;
	}

	#remember() {
		this.#states.push({ shown: this.#shown, exact: this.#exact });
		if (this.#states.length > REMEMBERED) this.#states.splice(1, 1);
	}

	/** @param {string} shown */
	#spliced(shown) {
		const exact = this.#exact;
		const before = this.#shown;
		if (exact === before) return shown;
		const most = Math.min(before.length, shown.length);
		let head = 0;
		while (head < most && before[head] === shown[head]) head++;
		let tail = 0;
		while (tail < most - head && before.at(-tail - 1) === shown.at(-tail - 1)) tail++;
		const lineEnd = exact.match(LINE_END)?.[0] ?? "\n";
		const typed = shown.slice(head, shown.length - tail).replaceAll("\n", lineEnd);
		const rest = exact.slice(exactOffset(exact, before.length - tail));
		return join(join(exact.slice(0, exactOffset(exact, head)), typed), rest);
	}
}
