// The lines in which two texts differ (Myers' algorithm).

/** The removed and added lines to look for; beyond, all lines count as changed. */
const MOST_EDITS = 2000;

/** @typedef {{kind: "same" | "changed", left: string[], right: string[],
 *   leftLine: number, rightLine: number}} Block numbers of the first lines, from 1 */

/**
 * The step to diagonal k = x - y.
 * @param {Int32Array} reach the furthest x of each diagonal k, at middle + k
 * @param {number} middle @param {number} k @param {number} edits
 * @returns {{x: number, added: boolean}} else a line is removed
 */
function step(reach, middle, k, edits) {
  const removed = (reach[middle + k - 1] ?? 0) + 1;
  const added = reach[middle + k + 1] ?? 0;
  return k === -edits || (k !== edits && removed <= added)
    ? { x: added, added: true }
    : { x: removed, added: false };
}

/**
 * @param {string[]} a @param {string[]} b
 * @returns {[number, number][]} the indexes of equal lines
 */
function pairs(a, b) {
  const middle = MOST_EDITS + 1;
  const reach = new Int32Array(2 * middle + 1);
  const trace = [];
  for (let edits = 0; edits <= MOST_EDITS; edits++) {
    trace.push(reach.slice(middle - edits - 1, middle + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      let { x } = step(reach, middle, k, edits);
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[middle + k] = x;
      if (x >= a.length && x - k >= b.length) return path(trace, x, k);
    }
  }
  return [];
}

/** @param {Int32Array[]} trace @param {number} x @param {number} k */
function path(trace, x, k) {
  /** @type {[number, number][]} */
  const found = [];
  for (let edits = trace.length - 1, reach; (reach = trace[edits]); edits--) {
    const from = step(reach, edits + 1, k, edits);
    while (x > from.x) found.push([--x, x - k]);
    if (!from.added) x--;
    k += from.added ? 1 : -1;
  }
  return found.reverse();
}

/**
 * The blocks of two columns in order; same and changed ones alternate.
 * @param {string} a @param {string} b
 */
export function diffLines(a, b) {
  const [left, right] = [a.split("\n"), b.split("\n")];
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
    let block = blocks[blocks.length - 1];
    if (block?.kind !== kind) {
      block = { kind, left: [], right: [], leftLine: x + 1, rightLine: y + 1 };
      blocks.push(block);
    }
    for (const line of left.slice(x, xEnd)) block.left.push(line);
    for (const line of right.slice(y, yEnd)) block.right.push(line);
    [x, y] = [xEnd, yEnd];
  };
  add("same", head, head);
  const leftTail = left.length - tail;
  const rightTail = right.length - tail;
  const inner = pairs(left.slice(head, leftTail), right.slice(head, rightTail));
  for (const [i, j] of inner) {
    add("changed", head + i, head + j);
    add("same", head + i + 1, head + j + 1);
  }
  add("changed", leftTail, rightTail);
  add("same", left.length, right.length);
  return blocks;
}

/** @param {string} base @param {string} other */
export function changedLines(base, other) {
  const changed = diffLines(base, other).filter((block) => block.kind === "changed");
  return new Set(changed.flatMap((it) => it.right.map((_, at) => it.rightLine + at)));
}
