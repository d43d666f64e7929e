// The order of keys in the store.

/** Surrogates come last: their code points are beyond the others. @param {number} unit */
const rank = (unit) => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);

/**
 * Compares by the bytes of UTF-8, which have the order of the code points.
 * @param {string} a
 * @param {string} b
 */
export function compareKeys(a, b) {
  let i = 0;
  while (i < a.length && a[i] === b[i]) {
    i += 1;
  }
  return (i < a.length ? rank(a.charCodeAt(i)) : -1) - (i < b.length ? rank(b.charCodeAt(i)) : -1);
}
