// What can be done with a value that is viewed.
import { deleteKeys, incrementKey, writeKeys } from "../../../api/keys.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { check } from "../../../text/tokenizer.js";
import {
	attempt, button, confirmDialog, field, h, keyText, notify
} from "../../../ui/index.js";
import { Entry, readEntry } from "./entry.js";
import { ask, askKey } from "./new-key.js";
import { LARGE, copy, download, errorText } from "./text.js";
import { save } from "./save.js";

/** @import {Pane} from "./index.js" */

/** @param {Pane} pane */
export function toolbar(pane) {
	const { entry, signal } = pane;
	const { key, text, revision, isExpired } = entry;
	const { onwritten, onremoved, onopen } = pane.options;

	const add = async (/** @type {bigint} */ by) => {
		await incrementKey(key, String(by));
		pane.written(await readEntry(key));
	};
	const askNumber = () => {
		const { element, input } = field({ label: t("Integer", "Целое число"), required: true,
			pattern: "-?[0-9]+", autocomplete: "off" });
		ask(t("Add to the counter", "Прибавить к счётчику"), t("Add", "Прибавить"), element, () => add(BigInt(input.value)));
	};
	const duplicate = () => askKey(t("Duplicate", "Дублировать"), t("Create", "Создать"), key, async (name) => {
		await Entry.missing(name).write(text);
		onwritten(name);
		onopen(name);
	});
	const rename = () => askKey(t("Rename", "Переименовать"), t("Rename", "Переименовать"), key, async (name) => {
		await writeKeys({ data: [[name, text]], deleted: [key], ttls: { [name]: entry.ttl },
			conditions: { [key]: revision, [name]: null } });
		onremoved(key);
		onwritten(name);
		onopen(name);
	});
	const remove = async () => {
		if (await confirmDialog({ title: t("Delete this key?", "Удалить этот ключ?"), text: keyText(key),
			action: t("Delete", "Удалить"), danger: true })) {
			await deleteKeys([key], { [key]: revision });
			notify(t("Deleted", "Удалено"));
			onremoved(key);
		}
	};
	const editing = entry.size > LARGE
		? button(t("Replace by a file…", "Заменить файлом…"), () => replaceByFile(pane))
		: button(t("Edit", "Изменить"), () => pane.show(entry, true), "primary", "edit");
	const removing = button(t("Delete", "Удалить"), remove);
	if (!isExpired) {
		shortcut("e", t("Edit", "Изменить"), () => editing.click(), signal);
		shortcut("Delete", t("Delete", "Удалить"), () => removing.click(), signal);
	}
	return h("div.toolbar", !isExpired && [editing, isCounter(text)
		&& [button("−1", () => add(-1n)), button("+1", () => add(1n)), button(t(
			"Add…", "Прибавить…"), askNumber)]],
	button(t("Copy", "Копировать"), () => copy(text)),
	button(t("Download", "Скачать"), () => download(key, text)),
	h("a.button", { href: `#/history/${encodeURIComponent(key)}` }, t(
		"History", "История")),
	button(t("Duplicate", "Дублировать"), duplicate), !isExpired && [button(t("Rename", "Переименовать"), rename), removing]);
}

/** Whether a text is an integer of 64 bits. @param {string} text */
const isCounter = (text) => /^(0|-?[1-9]\d{0,18})$/.test(text)
	&& BigInt.asIntN(64, BigInt(text)) === BigInt(text);

/** @param {Pane} pane */
function replaceByFile(pane) {
	const replace = async () => {
		const bytes = await input.files?.[0]?.arrayBuffer();
		const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		const error = check(text);
		const isAgreed = error && await confirmDialog({ title: t(
			"This file is not JSON", "Файл не в формате JSON"),
			text: errorText(error), action: t(
				"Store its text as a JSON string", "Записать как строку JSON") });
		if (!error || isAgreed) await save(pane, error ? JSON.stringify(text) : text);
	};
	const input = h("input", { type: "file", onchange: () => attempt(replace) });
	input.click();
}
