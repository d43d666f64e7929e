// The lines in which two texts differ, and edits that keep the other lines' ends.

/** Comparisons; texts that need more have no line in common. */
const MOST = 4_000_000;

/** The length of the longest common part of a from line i and b from line j. */
function commonLengths(a, b) {
	const width = b.length + 1;
	const size = (a.length + 1) * width;
	const lengths = new Uint16Array(size > MOST ? 0 : size);
	for (let at = lengths.length - width - 1; at >= 0; at--) {
		const [i, j] = [Math.floor(at / width), at % width];
		if (j === b.length) continue;
		lengths[at] = a[i] === b[j] ? lengths[at + width + 1] + 1
			: Math.max(lengths[at + width], lengths[at + 1]);
	}
	return (i, j) => lengths[i * width + j] ?? 0;
}

/**
 * The blocks of two columns in order; same and changed ones alternate.
 * @type {kv.diffLines}
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
	const take = (/** @type {"same" | "changed"} */ kind, fromLeft, fromRight) => {
		if (blocks.at(-1)?.kind !== kind) {
			blocks.push({ kind, left: [], right: [], leftLine: x + 1, rightLine: y + 1 });
		}
		if (fromLeft) blocks.at(-1)?.left.push(left[x++] ?? "");
		if (fromRight) blocks.at(-1)?.right.push(right[y++] ?? "");
	};
	while (x < left.length || y < right.length) {
		const isInside = x < leftEnd && y < rightEnd;
		if (x < head || x >= leftEnd && y >= rightEnd || isInside && left[x] === right[y]) {
			take("same", true, true);
		} else {
			const isRemoved = y >= rightEnd || isInside
				&& common(x - head + 1, y - head) >= common(x - head, y - head + 1);
			take("changed", isRemoved, !isRemoved);
		}
	}
	return blocks;
}

/** As a <textarea> shows it: each line end is \n. @type {kv.shownText} */
export const shownText = (text) => text.replace(/\r\n?/g, "\n");

/**
 * The text of a <textarea> with the original line ends; new lines have the first.
 * @type {kv.withLineEnds}
 */
export function withLineEnds(original, shown) {
	const ends = original.match(/\r\n?|\n/g) ?? [];
	const lines = shown.split("\n");
	const used = lines.map(() => ends[0] ?? "\n");
	const blocks = original.includes("\r") ? diffLines(shownText(original), shown) : [];
	for (const { kind, right, leftLine, rightLine } of blocks) {
		right.forEach((_, at) => {
			const end = ends[leftLine + at - 1];
			if (kind === "same" && end) used[rightLine + at - 1] = end;
		});
	}
	return lines.map((line, at) => {
		// a \r and a \n that meet would be one line end
		if (used[at - 1] === "\r" && !line && used[at] === "\n") used[at] = "\r\n";
		return at < lines.length - 1 ? line + used[at] : line;
	}).join("");
}
