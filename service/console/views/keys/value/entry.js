// The stored value of a key, and its writes on the condition that it is still the same.
import { readKey, writeKeys } from "../../../api/keys.js";
import { session } from "../../../api/session.js";

const INTEGER = /^(0|-?[1-9]\d{0,18})$/;

export class Entry {
  /**
   * @param {string} key
   * @param {{text: string, revision: number | null, ttl: number | null}} stored
   *   revision null: the key does not exist
   */
  constructor(key, { text, revision, ttl }) {
    this.key = key;
    this.text = text;
    this.revision = revision;
    /** Milliseconds since 1970. */
    this.expires = ttl === null ? null : Date.now() + ttl * 1000;
    /** Bytes. */
    this.size = new Blob([text]).size;
  }

  /** Seconds that remain. */
  get ttl() {
    const { expires } = this;
    return expires === null ? null : Math.max(0.001, (expires - Date.now()) / 1000);
  }

  get isExpired() {
    return this.expires !== null && this.expires <= Date.now();
  }

  /** Whether it is an integer of 64 bits. */
  get isCounter() {
    return INTEGER.test(this.text) && isInt64(BigInt(this.text));
  }

  get isWritable() {
    return session.user?.grants.some(({ prefix, rights }) =>
      rights.includes("w") && this.key.startsWith(prefix)) ?? false;
  }

  /**
   * @param {string} text
   * @param {number | null} [ttl] null: it never expires
   * @returns {Promise<Entry>} what is stored then
   */
  async write(text, ttl = this.ttl) {
    const { key, revision: expected } = this;
    text = text.trim(); // white space around a value is not stored
    const revision = await writeKeys({ data: [[key, text]], conditions: { [key]: expected },
      ttls: { [key]: ttl } });
    return new Entry(key, { text, revision, ttl });
  }
}

/** @param {bigint} number */
export const isInt64 = (number) => BigInt.asIntN(64, number) === number;

/** @param {string} key @param {AbortSignal} [signal] @returns {Promise<Entry | null>} */
export async function readEntry(key, signal) {
  const stored = await readKey(key, signal);
  return stored && new Entry(key, stored);
}
