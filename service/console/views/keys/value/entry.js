// What is stored under a key, and how it is replaced: only if the user has seen it.
import { readKey, writeKeys } from "../../../api/keys.js";
import { t } from "../../../locale.js";
import { button, h, openDialog } from "../../../ui/index.js";
import { diffView, laidOut } from "./diff-view.js";

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
		if (error.code !== "condition_failed") throw error;
	});
	const theirs = saved ?? await readEntry(key);
	// or the reply to an earlier attempt was lost
	const isMine = theirs?.text === text.trim();
	const choice = isMine || await choose(entry.text, text, theirs?.text ?? "");
	if (!isMine && choice !== "theirs") {
		pane.entry = theirs ?? entryOf(key); // what the next attempt replaces
		return choice ? save(pane, text) : pane.report();
	}
	pane.isEditing = false;
	(isMine ? pane.written : pane.show)(theirs);
}

/** The versions side by side: "mine", "theirs" or "" is chosen. */
const choose = (before, mine, theirs) => new Promise((resolve) => {
	const column = (title, shown) =>
		h("section", { "aria-label": title }, h("h3", title), shown);
	const option = (choice, label, kind = "") =>
		button(label, () => dialog.close(choice), kind);
	const dialog = openDialog(t("Conflict", "Конфликт"), [
		t("Somebody else has changed this value.", "Значение изменил кто-то другой."),
		h("div.versions",
			column(t("Before", "До"), h("pre.diff", { tabindex: 0 }, laidOut(before))),
			column(t("Mine", "Моё"), diffView(before, mine)),
			column(t("Theirs", "Чужое"), diffView(before, theirs))),
		h("div.actions", option("", t("Continue editing", "Править дальше")),
			option("theirs", t("Take theirs", "Принять чужое")),
			option("mine", t("Save mine", "Записать моё"), "danger"))],
	{ class: "wide", onclose: () => resolve(dialog.returnValue) });
});
