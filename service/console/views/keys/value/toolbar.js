// What can be done with a value that is viewed.
import { deleteKeys, incrementKey, writeKeys } from "../../../api/keys.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { check } from "../../../text/tokenizer.js";
import { attempt, button, confirmDialog, h, keyText, notify } from "../../../ui/index.js";
import { entryOf, readEntry, save } from "./entry.js";
import { askKey } from "./new-key.js";
import { LARGE, copy, download } from "./text.js";

/** @param {Pane} pane */
export function toolbar(pane) {
	const { key, entry, signal, onremoved, onopen } = pane;
	const { text, revision } = entry;
	const add = async (by) => {
		await incrementKey(key, String(by));
		pane.written(await readEntry(key));
	};
	const copying = t("Duplicate", "Дублировать");
	const duplicate = () => askKey({ title: copying, name: key, done: onopen,
		save: (name) => entryOf(name).write(text) });
	const renaming = t("Rename", "Переименовать");
	const rename = () => askKey({ title: renaming, name: key,
		save: (name) => writeKeys({ data: [[name, text]], deleted: [key],
			ttls: { [name]: entry.ttl }, conditions: { [key]: revision, [name]: null } }),
		done: (name) => {
			onremoved(key);
			onopen(name);
		} });
	const deleting = t("Delete", "Удалить");
	const remove = async () => {
		if (await confirmDialog({ title: t("Delete this key?", "Удалить этот ключ?"),
			text: keyText(key), action: deleting, danger: true })) {
			await deleteKeys([key], { [key]: revision });
			notify(t("Deleted", "Удалено"));
			onremoved(key);
		}
	};
	const replace = () => {
		const input = h("input", { type: "file", onchange: () => attempt(async () => {
			const bytes = await input.files?.[0]?.arrayBuffer();
			const read = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
			const error = check(read);
			if (error) throw error;
			await save(pane, read);
		}) });
		input.click();
	};
	const editing = t("Edit", "Изменить");
	const edit = entry.size > LARGE
		? button(t("Replace by a file…", "Заменить файлом…"), replace)
		: button(editing, () => pane.show(entry, true), "primary", "edit");
	const removal = button(deleting, remove);
	const isLive = !entry.isExpired;
	if (isLive) {
		shortcut("e", editing, () => edit.click(), signal);
		shortcut("Delete", deleting, () => removal.click(), signal);
	}
	return h("div.toolbar", isLive && [edit, isCounter(text)
		&& [button("−1", () => add(-1)), button("+1", () => add(1))]],
	button(t("Copy", "Копировать"), () => copy(text)),
	button(t("Download", "Скачать"), () => download(key, text)),
	h("a.button", { href: `#/history/${encodeURIComponent(key)}` }, t("History", "История")),
	button(copying, duplicate), isLive && [button(renaming, rename), removal]);
}

/** Whether a text is an integer of 64 bits. @param {string} text */
const isCounter = (text) => /^(0|-?[1-9]\d{0,18})$/.test(text)
	&& BigInt.asIntN(64, BigInt(text)) === BigInt(text);
