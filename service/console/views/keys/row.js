// One row of the list as an element.
import { t, tn } from "../../locale.js";
import { count, duration, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h, icon, keyText } from "../../ui/index.js";
import { addressOf } from "./place.js";
import { isKey, isPrefix } from "./rows.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./place.js").Place} Place
 * @typedef {[string, Child?][]} Cells classes and contents
 */

/** The height of a row in pixels, as in keys.css. */
export const ROW = 32;

/** The remaining time of a key. @param {Row} row */
export const remaining = (row) => isKey(row) && row.expires !== Infinity
	? duration(Math.ceil((row.expires - Date.now()) / 1000)) : "";

/**
 * The key below its level. In a list the last part of a long key stays in view.
 * @param {Row & {key: string}} row @param {boolean} isTree
 */
function name({ level, key }, isTree) {
	const end = key.lastIndexOf("/", key.length - 2) + 1;
	return isTree
		? keyText(key.slice(level.prefix.lastIndexOf("/") + 1) || t(
			"(the prefix itself)", "(сам префикс)"))
		: [keyText(key.slice(0, end)), keyText(key.slice(end))];
}

/** @param {string} label @param {boolean} [checked] */
const box = (label, checked) =>
	h("input", { type: "checkbox", tabindex: -1, "aria-label": label, checked });

/** @param {Row} row @param {Place} place @returns {Cells} */
function cellsOf(row, place) {
	if (isKey(row)) {
		const { key } = row;
		return [["check", box(t("Select", "Выбрать"), place.selected.has(key))],
			["name", h("a", { href: addressOf({ ...place, key }), tabindex: -1, title: key,
				"aria-label": key }, name(row, place.isTree))],
			["number", size(row.size)], ["number.revision", row.revision],
			["number.ttl", remaining(row)]];
	}
	if (isPrefix(row)) {
		const n = row.keys;
		return [["check", icon(row.inner ? "open" : "closed")],
			["name", [icon("folder"), name(row, true)]],
			["number", n === null ? t("{count} keys", "ключей: {count}", { count: count(n) })
				: tn(n, ["{n} key", "{n} keys"], ["{n} ключ", "{n} ключа", "{n} ключей"])], ["number.revision"],
			["number", h("button.quiet", { type: "button", tabindex: -1,
				"aria-label": t(
					"Delete all keys with this prefix", "Удалить все ключи с этим "
					+ "префиксом") }, icon("delete"))]];
	}
	const { error } = row.level;
	return [["wide", error === null ? t("Loading…", "Загрузка…") : [describe(error), " ",
		h("button.link", { type: "button", tabindex: -1 }, t("Try again", "Повторить"))]]];
}

/** @param {string} role @param {Cells} cells @param {Record<string, any>} props */
const element = (role, cells, props) => h("div.key-row", { role: "row", ...props },
	cells.map(([classes, content]) => h(`div.${classes}`, { role }, content)));

/** @param {Row} row @param {number} index @param {Place} place */
export function rowElement(row, index, place) {
	const made = element("gridcell", cellsOf(row, place), { id: `row-${index}`,
		"aria-rowindex": index + 2,
		"aria-selected": isKey(row) && String(place.selected.has(row.key)),
		"aria-current": isKey(row) && row.key === place.key && "true",
		"aria-level": place.isTree && row.level.depth + 1,
		"aria-expanded": isPrefix(row) && String(row.inner !== null) });
	made.classList.toggle("active", index === place.active);
	made.style.setProperty("--depth", String(row.level.depth));
	return made;
}

/** The head of the list. */
export const headElement = () => element("columnheader", [
	["check", box(t("Select all loaded keys", "Выбрать все загруженные"))], ["name", t("Key", "Ключ")], ["number", t(
		"Size", "Размер")],
	["number.revision", t("Revision", "Ревизия")], ["number.ttl", t("Expires in", "Истекает")]],
{ class: "key-row head", "aria-rowindex": 1 });
