// What is wrong with a JSON text, and where.

/** The first error of a JSON text. */
export class JsonError extends Error {
  /**
   * @param {string} text
   * @param {number} offset in UTF-16 units
   * @param {string} problem one of a small set, to be translated
   */
  constructor(text, offset, problem) {
    super(problem);
    const lines = text.slice(0, offset).split(/\r\n|[\r\n]/);
    this.offset = offset;
    this.problem = problem;
    this.line = lines.length;
    /** In code points. */
    this.column = [...(lines.at(-1) ?? "")].length + 1;
  }
}
