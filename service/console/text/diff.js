// The lines in which two texts differ, and edits that keep the other lines' ends.

/** Comparisons; texts that need more have no line in common. */
const MOST = 4_000_000;

/** @typedef {{kind: "same" | "changed", left: string[], right: string[],
 *   leftLine: number, rightLine: number}} Block numbers of the first lines, from 1 */

/**
 * For each i and j the length of the longest common part of a from i and b from j.
 * @param {string[]} a @param {string[]} b
 */
function commonLengths(a, b) {
	const width = b.length + 1;
	const isTooLong = (a.length + 1) * width > MOST;
	const lengths = new Uint16Array(isTooLong ? 0 : (a.length + 1) * width);
	for (let i = isTooLong ? -1 : a.length - 1; i >= 0; i--) {
		for (let j = b.length - 1; j >= 0; j--) {
			const at = i * width + j;
			lengths[at] = a[i] === b[j] ? lengths[at + width + 1] + 1
				: Math.max(lengths[at + width], lengths[at + 1]);
		}
	}
	return (/** @type {number} */ i, /** @type {number} */ j) => lengths[i * width + j] ?? 0;
}

/**
 * The blocks of two columns in order; same and changed ones alternate.
 * @param {string} a @param {string} b
 */
export function diffLines(a, b) {
	const [left, right] = [a.split("\n"), b.split("\n")];
	let [head, tail] = [0, 0];
	const most = Math.min(left.length, right.length);
	while (head < most && left[head] === right[head]) head++;
	while (tail < most - head && left.at(-tail - 1) === right.at(-tail - 1)) tail++;
	const [leftEnd, rightEnd] = [left.length - tail, right.length - tail];
	const common = commonLengths(left.slice(head, leftEnd), right.slice(head, rightEnd));
	/** @type {Block[]} */
	const blocks = [];
	let [x, y] = [0, 0];
	/** @param {Block["kind"]} kind @param {number} xEnd @param {number} yEnd */
	const add = (kind, xEnd, yEnd) => {
		let block = blocks.at(-1);
		if (block?.kind !== kind) {
			block = { kind, left: [], right: [], leftLine: x + 1, rightLine: y + 1 };
			blocks.push(block);
		}
		for (; x < xEnd; x++) block.left.push(left[x] ?? "");
		for (; y < yEnd; y++) block.right.push(right[y] ?? "");
	};
	if (head > 0) add("same", head, head);
	while (x < leftEnd || y < rightEnd) {
		const skipped = common(x - head + 1, y - head);
		if (x < leftEnd && y < rightEnd && left[x] === right[y]) add("same", x + 1, y + 1);
		else if (x < leftEnd && (y === rightEnd || skipped >= common(x - head, y - head + 1))) {
			add("changed", x + 1, y);
		} else add("changed", x, y + 1);
	}
	if (tail > 0) add("same", left.length, right.length);
	return blocks;
}

/** @param {string} text as a <textarea> shows it: each line end is \n */
export const shownText = (text) => text.replace(/\r\n?/g, "\n");

/**
 * The text of a <textarea>, with the line ends of the original. New lines have its first.
 * @param {string} original @param {string} shown
 */
export function withLineEnds(original, shown) {
	const ends = original.match(/\r\n?|\n/g) ?? [];
	const lines = shown.split("\n").map((line) => [line, ends[0] ?? "\n"]);
	for (const { kind, right, leftLine, rightLine } of diffLines(shownText(original), shown)) {
		for (let i = 0; kind === "same" && i < right.length; i++) {
			lines[rightLine + i - 1][1] = ends[leftLine + i - 1] ?? lines[rightLine + i - 1][1];
		}
	}
	lines[lines.length - 1][1] = "";
	// \r and \n that meet stay two line ends
	return lines.map(([line, end], at) => line || end !== "\n" || lines[at - 1]?.[1] !== "\r"
		? line + end : "\r\n").join("");
}

/** @param {string} base @param {string} other @returns {Set<number>} lines of other */
export const changedLines = (base, other) => new Set(diffLines(base, other).flatMap(
	({ kind, right, rightLine }) => (kind === "same" ? [] : right.map((_, at) => rightLine + at))));
