// What can be done with a value that is viewed.
import { deleteKeys, incrementKey, writeKeys } from "../../../api/keys.js";
import { t } from "../../../locale.js";
import { button, confirmDialog, copyText, h, keyText, notify, saveFile }
	from "../../../ui/index.js";
import { entryOf, readEntry } from "./entry.js";
import { askKey } from "./new-key.js";
import { LARGE, keyButton } from "./text.js";

/** @param {Pane} pane */
export function toolbar(pane) {
	const { key, entry, signal, onremoved, onwritten } = pane;
	const { text, revision } = entry;
	const add = async (by) => {
		await incrementKey(key, String(by));
		pane.written(await readEntry(key));
	};
	const open = (name) => onwritten(name, name);
	const copying = t("Duplicate", "Дублировать");
	const duplicate = () => askKey({ title: copying, name: key, done: open,
		save: (name) => entryOf(name).write(text) });
	const renaming = t("Rename", "Переименовать");
	const rename = () => askKey({ title: renaming, name: key,
		save: (name) => writeKeys({ data: [[name, text]], deleted: [key],
			ttls: { [name]: entry.ttl }, conditions: { [key]: revision, [name]: null } }),
		done: (name) => {
			onremoved(key);
			open(name);
		} });
	const deleting = t("Delete", "Удалить");
	const remove = async () => {
		if (await confirmDialog({ title: deleting, text: keyText(key),
			action: deleting, danger: true })) {
			await deleteKeys([key], { [key]: revision });
			notify(t("Deleted", "Удалено"));
			onremoved(key);
		}
	};
	const isLive = !entry.isExpired;
	return h("div.toolbar", isLive && [entry.size <= 2 * LARGE
		&& keyButton("e", t("Edit", "Изменить"), () => pane.show(entry, true), signal,
			"primary", "edit"),
	isCounter(text) && [button("−1", () => add(-1)), button("+1", () => add(1))]],
	button(t("Copy", "Копировать"), () => copyText(text)),
	button(t("Download", "Скачать"), () => saveFile(new Blob([text]), `${key}.json`)),
	h("a.button", { href: `#/history/${encodeURIComponent(key)}` }, t("History", "История")),
	button(copying, duplicate), isLive && [button(renaming, rename),
		keyButton("Delete", deleting, remove, signal)]);
}

// an integer of 64 bits
const isCounter = (text) => /^(0|-?[1-9]\d{0,18})$/.test(text)
	&& BigInt.asIntN(64, BigInt(text)) === BigInt(text);
