// What is stored under a key, and how it is replaced: only if the user has seen it.
import { readKey, writeKeys } from "../../../api/keys.js";
import { hasCode } from "../../../api/problem.js";
import { t } from "../../../locale.js";
import { changedLines } from "../../../text/diff.js";
import { format } from "../../../text/json-text.js";
import { button, h, openDialog } from "../../../ui/index.js";

/** Only the first characters of a text are compared. */
const LONG = /^([^]{65536})[^]+/;

/** @type {kv.entryOf} */
export function entryOf(key, { text = "", revision = null, ttl } = {}) {
	const expires = Date.now() + 1000 * (ttl ?? Infinity);
	const entry = { key, text, revision, size: new Blob([text]).size,
		get ttl() {
			const seconds = (expires - Date.now()) / 1000;
			return seconds < Infinity ? Math.max(0.001, seconds) : null;
		},
		get isExpired() {
			return expires <= Date.now();
		},
		async write(changed, ttl = entry.ttl) {
			const text = changed.trim(); // white space around a value is not stored
			return entryOf(key, { text, ttl, revision: await writeKeys({ data: [[key, text]],
				ttls: { [key]: ttl }, conditions: { [key]: revision } }) });
		} };
	return entry;
}

/** @type {kv.readEntry} */
export async function readEntry(key, signal) {
	const stored = await readKey(key, signal);
	return stored && entryOf(key, stored);
}

/** Has the user choose on a conflict. @type {kv.save} */
export async function save(pane, text) {
	const { key, entry } = pane;
	const saved = await entry.write(text).catch((error) => {
		if (!hasCode(error, "condition_failed")) throw error;
	});
	const theirs = saved ?? await readEntry(key);
	// or the reply to an earlier attempt was lost
	const isMine = theirs?.text === text.trim();
	if (!isMine) {
		const choice = await choose([entry.text, text, theirs?.text]);
		if (choice !== "theirs" && (choice || pane.isEditing)) {
			pane.entry = theirs ?? entryOf(key); // what the next attempt replaces
			return choice ? save(pane, text) : pane.report();
		}
	}
	pane.isEditing = false;
	(isMine ? pane.written : pane.show)(theirs);
}

/** The base, mine and theirs side by side: "mine", "theirs" or "" is chosen. */
function choose(versions) {
	const texts = versions.map((exact) => (exact ? format(exact)
		: t("No value", "Значения нет")).replace(LONG, "$1\n…"));
	const titles = [t("Before", "До"), t("Mine", "Моё"), t("Theirs", "Чужое")];
	const columns = texts.map((text, at) => {
		const compared = at ? texts.slice(0, 1) : texts;
		const marked = new Set(compared.flatMap((other) => [...changedLines(other, text)]));
		return h("section", h("h3", titles[at]), h("pre.value-text",
			{ tabindex: 0, "aria-label": titles[at], role: "region" },
			text.split("\n").map((line, index) =>
				h(marked.has(index + 1) ? "mark" : "div", line || " "))));
	});
	return new Promise((resolve) => {
		let choice = "";
		const option = (name, label, kind = "") => button(label, () => {
			choice = name;
			dialog.close();
		}, kind);
		const dialog = openDialog(t("Conflict", "Конфликт"), [
			h("p", t("Somebody else has changed this value. ± marks what differs.",
				"Значение изменил кто-то другой. Различия отмечены знаком ±.")),
			h("div.versions", columns),
			h("div.actions", option("", t("Continue editing", "Править дальше")),
				option("theirs", t("Take theirs", "Принять чужое")),
				option("mine", t("Save mine", "Записать моё"), "danger"))],
		{ class: "wide", onclose: () => resolve(choice) });
	});
}
