// Saves a text, unless somebody else has changed the value: then the user chooses.
import { historyOf } from "../../../api/keys.js";
import { hasCode } from "../../../api/problem.js";
import { t } from "../../../locale.js";
import { changedLines } from "../../../text/diff.js";
import { dateTime } from "../../../text/format.js";
import { format } from "../../../text/json-text.js";
import { button, h, openDialog } from "../../../ui/index.js";
import { Entry, readEntry } from "./entry.js";

/** The characters of a text that are compared. */
const COMPARED = 65_536;

/** @typedef {"mine" | "theirs" | "undecided"} Choice */

/** @param {import("./index.js").Pane} pane @param {string} text */
export async function save(pane, text) {
	const base = pane.entry;
	for (let entry = base; ;) {
		try {
			return pane.written(await entry.write(text), true);
		} catch (error) {
			if (!hasCode(error, "condition_failed")) throw error;
		}
		const theirs = await readEntry(base.key);
		// the reply to an earlier attempt was lost
		if (theirs?.text === text.trim()) return pane.written(theirs, true);
		const choice = await choose(base, text, theirs);
		if (choice === "theirs") return pane.show(theirs);
		entry = theirs ?? Entry.missing(base.key);
		pane.entry = entry; // so that a later save replaces it
		if (choice === "undecided") return pane.report();
	}
}

/** @param {Entry} base @param {string} own @param {Entry | null} theirs */
async function choose(base, own, theirs) {
	const exact = [base.text, own, theirs?.text ?? ""];
	const areLines = exact.some((text) => text.includes("\n"));
	const [before = "", mine = "", other = ""] = exact.map((text) =>
		(areLines ? text : text && format(text)).slice(0, COMPARED));
	const history = await historyOf(base.key, null, undefined, 1).catch(() => null);
	const last = history?.changes[0];
	const marked = [...changedLines(mine, before), ...changedLines(other, before)];
	return new Promise((/** @type {(choice: Choice) => void} */ resolve) => {
		/** @param {Choice} choice @param {string} label */
		const option = (choice, label, names = "") => button(label, () => {
			resolve(choice);
			dialog.close();
		}, names);
		const body = [
			h("p", theirs
				? t(
					"Somebody else has changed this value. Lines that differ are marked with ±.",
					"Значение изменил кто-то другой. Различия отмечены знаком ±.")
				: t("Somebody else has deleted this key, or it has expired.",
					"Ключ удалён кем-то другим, или его срок истёк.")),
			exact.some(({ length }) => length > COMPARED)
				&& h("p.hint", t(
					"Only the first 64 KiB are compared.", "Сравниваются только первые 64 КиБ.")),
			h("div.versions", version(t("Before", "До"), before, new Set(marked)),
				version(t("Mine", "Моё"), mine, changedLines(before, mine)),
				theirs && version(t("Theirs", "Чужое"), other, changedLines(before, other),
					[h("bdi", last?.by), " ", last?.at && dateTime(last.at)])),
			h("div.actions", option("undecided", t("Continue editing", "Править дальше")),
				option("theirs", theirs ? t("Take theirs", "Принять чужое") : t("Discard", "Отбросить")),
				option("mine", theirs ? t("Overwrite with mine", "Записать моё") : t("Create", "Создать"), "danger"))];
		const dialog = openDialog(t("Conflict", "Конфликт"), body, { class: "wide",
			onclose: () => resolve("undecided") });
	});
}

/** @param {string} title @param {string} text @param {Set<number>} marked lines
 * @param {Child} [by] */
function version(title, text, marked, by) {
	const lines = text.split("\n").map((line, at) =>
		h(marked.has(at + 1) ? "mark" : "div", line || " "));
	return h("section", h("h3", title),
		h("pre.value-text", { tabindex: 0, "aria-label": title, role: "region" }, lines),
		h("p.hint", by));
}
