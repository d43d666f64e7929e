// What is stored under a key. Its writes fail if somebody else has changed it.
import { readKey, writeKeys } from "../../../api/keys.js";

export class Entry {
	/** @param {string} key
	 * @param {{text: string, revision: number | null, ttl: number | null}} stored
	 *   revision null: it does not exist */
	constructor(key, { text, revision, ttl }) {
		this.key = key;
		this.text = text;
		this.revision = revision;
		this.expires = Date.now() + 1000 * (ttl ?? Infinity);
		/** Bytes. */
		this.size = new Blob([text]).size;
	}

	/** @param {string} key */
	static missing = (key) => new Entry(key, { text: "", revision: null, ttl: null });

	/** Seconds that remain; null: it never expires. */
	get ttl() {
		const seconds = (this.expires - Date.now()) / 1000;
		return seconds < Infinity ? Math.max(0.001, seconds) : null;
	}

	get isExpired() {
		return this.expires <= Date.now();
	}

	/** @param {string} text @param {number | null} [ttl] */
	async write(text, ttl = this.ttl) {
		const { key } = this;
		text = text.trim(); // white space around a value is not stored
		const revision = await writeKeys({ data: [[key, text]], ttls: { [key]: ttl },
			conditions: { [key]: this.revision } });
		return new Entry(key, { text, revision, ttl });
	}
}

/** @param {string} key @param {AbortSignal} [signal] */
export async function readEntry(key, signal) {
	const stored = await readKey(key, signal);
	return stored && new Entry(key, stored);
}
