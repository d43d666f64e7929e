// The lines in which two texts differ (Myers' algorithm).

/** The removed and added lines to look for; beyond, all lines count as changed. */
const MOST_EDITS = 2000;

/** @typedef {{kind: "same" | "changed", left: string[], right: string[],
 *   leftLine: number, rightLine: number}} Block numbers of the first lines, from 1 */

/** @typedef {{x: number, end: number, k: number, before: Run | undefined}} Run
 *   equal lines: x to end of the left text, x - k to end - k of the right one */

/** @param {string[]} a @param {string[]} b @returns {Run[]} */
function equalRuns(a, b) {
  // For each diagonal k: the furthest x that the edits reach, and the runs up to it.
  const reach = new Int32Array(2 * MOST_EDITS + 3);
  /** @type {(Run | undefined)[]} */
  const runs = Array(reach.length);
  for (let edits = 0; edits <= MOST_EDITS; edits++) {
    for (let k = -edits; k <= edits; k += 2) {
      const at = MOST_EDITS + 1 + k;
      const removed = (reach[at - 1] ?? 0) + 1;
      const added = reach[at + 1] ?? 0;
      const adds = k === -edits || (k !== edits && removed <= added);
      const x = adds ? added : removed;
      let end = x;
      while (end < a.length && end - k < b.length && a[end] === b[end - k]) end++;
      reach[at] = end;
      const before = runs[adds ? at + 1 : at - 1];
      runs[at] = end > x ? { x, end, k, before } : before;
      if (end >= a.length && end - k >= b.length) return listed(runs[at]);
    }
  }
  return [];
}

/** @param {Run | undefined} last */
function listed(last) {
  const found = [];
  for (let run = last; run; run = run.before) found.push(run);
  return found.reverse();
}

/**
 * The blocks of two columns in order; same and changed ones alternate.
 * @param {string} a @param {string} b
 */
export function diffLines(a, b) {
  const left = a.split("\n");
  const right = b.split("\n");
  const most = Math.min(left.length, right.length);
  let head = 0;
  while (head < most && left[head] === right[head]) head++;
  let tail = 0;
  while (tail < most - head && left.at(-tail - 1) === right.at(-tail - 1)) tail++;
  /** @type {Block[]} */
  const blocks = [];
  let [x, y] = [0, 0];
  /** @param {Block["kind"]} kind @param {number} xEnd @param {number} yEnd */
  const add = (kind, xEnd, yEnd) => {
    if (xEnd === x && yEnd === y) return;
    const lines = { left: left.slice(x, xEnd), right: right.slice(y, yEnd) };
    blocks.push({ kind, ...lines, leftLine: x + 1, rightLine: y + 1 });
    [x, y] = [xEnd, yEnd];
  };
  add("same", head, head);
  const [leftTail, rightTail] = [left.length - tail, right.length - tail];
  const runs = equalRuns(left.slice(head, leftTail), right.slice(head, rightTail));
  for (const { x: start, end, k } of runs) {
    add("changed", head + start, head + start - k);
    add("same", head + end, head + end - k);
  }
  add("changed", leftTail, rightTail);
  add("same", left.length, right.length);
  return blocks;
}

/** @param {string} base @param {string} other @returns {Set<number>} lines of other */
export function changedLines(base, other) {
  const changed = diffLines(base, other).filter((block) => block.kind === "changed");
  return new Set(changed.flatMap((it) => it.right.map((_, at) => it.rightLine + at)));
}
