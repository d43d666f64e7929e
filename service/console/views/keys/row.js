// One row of the list as an element.
import { t, tn } from "../../locale.js";
import { count, duration, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h, icon, keyText } from "../../ui/index.js";
import { addressOf } from "./place.js";

/** The height of a row in pixels, as in keys.css. */
export const ROW = 32;

/** @param {number | null} n null: more than 1,000 */
export const keysText = (n) => tn(n ?? 1000, ["{n} key", "{n} keys"],
	["{n} ключ", "{n} ключа", "{n} ключей"], { n: count(n) });

/** The remaining time of a key. @param {Row | undefined} row */
export const remaining = (row) => row?.kind === "key" && row.expires !== Infinity
	? duration(Math.ceil((row.expires - Date.now()) / 1000)) : "";

/** The key below its level. In a list the last part of a long key stays in view. */
function nameOf({ kind, key }, isTree) {
	const isKey = isTree && kind === "key";
	const end = key.lastIndexOf("/", key.length - (isKey ? 1 : 2)) + 1;
	const name = keyText(key.slice(end)
		|| (isTree ? t("(the prefix itself)", "(сам префикс)") : ""));
	return isTree ? name : [keyText(key.slice(0, end)), name];
}

const box = (label, checked) =>
	h("input", { type: "checkbox", tabindex: -1, "aria-label": label, checked });

/** The classes and contents of the cells. @returns {[string, Child?][]} */
function cellsOf(row, place) {
	const { key } = row;
	if (row.kind === "key") {
		return [["check", box(t("Select", "Выбрать"), place.selected.has(key))],
			["name", h("a", { href: addressOf({ ...place, key }), tabindex: -1, title: key,
				"aria-label": key }, nameOf(row, place.isTree))],
			["number", size(row.size)], ["number.revision", row.revision],
			["number.ttl", remaining(row)]];
	}
	if (row.kind === "prefix") {
		const label = t("Delete all keys with this prefix", "Удалить все с этим префиксом");
		return [["check", icon(row.isOpen ? "open" : "closed")],
			["name", [icon("folder"), nameOf(row, true)]],
			["number", keysText(row.count)], ["number.revision"],
			["number", h("button.quiet", { type: "button", tabindex: -1,
				"aria-label": label }, icon("delete"))]];
	}
	return [["wide", row.error === null ? t("Loading…", "Загрузка…")
		: [describe(row.error), " ", h("button.link", { type: "button", tabindex: -1 },
			t("Try again", "Повторить"))]]];
}

const element = (role, cells, props) => h("div.key-row", { role: "row", ...props },
	cells.map(([classes, content]) => h(`div.${classes}`, { role }, content)));

/** @param {Place} place */
export function rowElement(place, index) {
	const row = /** @type {Row} */ (place.rows[index]);
	const isKey = row.kind === "key";
	const made = element("gridcell", cellsOf(row, place), { id: `row-${index}`,
		"aria-rowindex": index + 2,
		"aria-selected": isKey && String(place.selected.has(row.key)),
		"aria-current": isKey && row.key === place.key && "true",
		"aria-level": place.isTree && row.depth + 1,
		"aria-expanded": row.kind === "prefix" && String(row.isOpen) });
	made.classList.toggle("active", index === place.active);
	made.style.setProperty("--depth", String(row.depth));
	return made;
}

export const headElement = () => element("columnheader", [
	["check", box(t("Select all loaded keys", "Выбрать все загруженные"))],
	["name", t("Key", "Ключ")], ["number", t("Size", "Размер")],
	["number.revision", t("Revision", "Ревизия")],
	["number.ttl", t("Expires in", "Истекает")]], { class: "key-row head", "aria-rowindex": 1 });
