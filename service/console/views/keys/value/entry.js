// What is stored under a key, and how it is saved: only over what the user has seen.
import { readKey, writeKeys } from "../../../api/keys.js";
import { hasCode } from "../../../api/problem.js";
import { choose } from "./conflict.js";


/** @param {string} key @param {Stored} [stored] @returns {Entry} */
export const entryOf = (key, { text = "", revision = null, ttl } = {}) => ({
	key, text, revision, size: new Blob([text]).size,
	expires: Date.now() + 1000 * (ttl ?? Infinity),
});

/** @param {string} key @param {AbortSignal} [signal] */
export async function readEntry(key, signal) {
	const stored = await readKey(key, signal);
	return stored && entryOf(key, stored);
}

/** @param {Entry} entry */
export const isExpired = ({ expires }) => expires <= Date.now();

/** Seconds that remain; null: it never expires. @param {Entry} entry */
export const ttlOf = ({ expires }) =>
	expires < Infinity ? Math.max(0.001, (expires - Date.now()) / 1000) : null;

/** Fails if somebody else has changed it. @param {Entry} entry @param {string} text */
export async function write(entry, text, ttl = ttlOf(entry)) {
	const { key, revision } = entry;
	text = text.trim(); // white space around a value is not stored
	return entryOf(key, { text, ttl, revision: await writeKeys({ data: [[key, text]],
		ttls: { [key]: ttl }, conditions: { [key]: revision } }) });
}

/** Has the user choose on a conflict. @param {Pane} pane @param {string} text */
export async function save(pane, text) {
	const { key, entry } = pane;
	const done = (/** @type {Entry} */ saved) => {
		pane.isEditing = false;
		pane.written(saved);
	};
	try {
		return done(await write(entry, text));
	} catch (error) {
		if (!hasCode(error, "condition_failed")) throw error;
	}
	const theirs = await readEntry(key);
	// the reply to an earlier attempt was lost
	if (theirs?.text === text.trim()) return done(theirs);
	const choice = await choose(entry, text, theirs);
	if (choice === "theirs" || !(choice || pane.isEditing)) return pane.show(theirs);
	pane.entry = theirs ?? entryOf(key); // what the next attempt replaces
	if (choice === "mine") return save(pane, text);
	pane.report();
}
