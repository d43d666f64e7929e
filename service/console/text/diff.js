// The lines in which two texts differ (Myers' algorithm).

/** The removed and added lines to look for; beyond, all lines count as changed. */
const MOST_EDITS = 2000;

/** @typedef {{kind: "same" | "changed", left: string[], right: string[],
 *   leftLine: number, rightLine: number}} Block with the first lines' numbers, from 1 */

/**
 * @param {Int32Array} reach the furthest x of each diagonal k = x - y, from middle + k
 * @param {number} middle @param {number} k @param {number} edits
 * @returns {boolean} an added line leads furthest; else a removed one
 */
function isDown(reach, middle, k, edits) {
  if (k === -edits || k === edits) return k === -edits;
  return reach[middle + k - 1] < reach[middle + k + 1];
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
      const down = isDown(reach, middle, k, edits);
      let x = down ? reach[middle + k + 1] : reach[middle + k - 1] + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[middle + k] = x;
      if (x >= a.length && x - k >= b.length) return path(trace, x, k);
    }
  }
  return [];
}

/**
 * @param {Int32Array[]} trace per number of edits, the reach before it
 * @param {number} x @param {number} k
 */
function path(trace, x, k) {
  /** @type {[number, number][]} */
  const found = [];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits];
    const down = isDown(reach, edits + 1, k, edits);
    const start = down ? reach[edits + k + 2] : reach[edits + k] + 1;
    while (x > start) found.push([--x, x - k]);
    if (!down) x--;
    k += down ? 1 : -1;
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
  const [leftTail, rightTail] = [left.length - tail, right.length - tail];
  /** @type {Block[]} */
  const blocks = [];
  let [x, y] = [0, 0];
  /** @param {number} xEnd @param {number} yEnd @param {Block["kind"]} kind */
  const add = (xEnd, yEnd, kind) => {
    if (xEnd === x && yEnd === y) return;
    const lines = { left: left.slice(x, xEnd), right: right.slice(y, yEnd) };
    const last = blocks[blocks.length - 1];
    if (last?.kind !== kind) {
      blocks.push({ kind, ...lines, leftLine: x + 1, rightLine: y + 1 });
    } else {
      last.left.push(...lines.left);
      last.right.push(...lines.right);
    }
    [x, y] = [xEnd, yEnd];
  };
  add(head, head, "same");
  for (const [i, j] of pairs(left.slice(head, leftTail), right.slice(head, rightTail))) {
    add(head + i, head + j, "changed");
    add(head + i + 1, head + j + 1, "same");
  }
  add(leftTail, rightTail, "changed");
  add(left.length, right.length, "same");
  return blocks;
}

/** @param {string} base @param {string} other */
export function changedLines(base, other) {
  const changed = diffLines(base, other).filter((block) => block.kind === "changed");
  return new Set(changed.flatMap((it) => it.right.map((_, at) => it.rightLine + at)));
}
