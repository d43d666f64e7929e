// What the list shows: its rows, and texts about them.
import { hasCode } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t, tn } from "../../locale.js";
import { count, duration, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { button, h, icon, keyText } from "../../ui/index.js";

/** The address of a key (null: none) in a place. */
export function addressOf({ prefix, isTree }, key) {
	const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
	return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}

/** @param {number | null} n null: more than 1,000 */
export const keysText = (n) => tn(n ?? 1000, ["{n} key", "{n} keys"],
	["{n} ключ", "{n} ключа", "{n} ключей"], { n: count(n) });

export const deleteAllText = () =>
	t("Delete all keys with this prefix", "Удалить все с этим префиксом");

export function statusText({ rows }) {
	const top = rows.filter(({ depth }) => depth === 0);
	const rest = top.at(-1)?.kind === "more" ? 1 : 0;
	const n = top.length - rest;
	return n > 0 && t("Entries: {n}", "Записей: {n}", { n: count(n) + (rest ? "+" : "") });
}

/** What is shown instead of an empty or forbidden list. */
export function nothing(place, onnew) {
	const [row] = place.rows;
	if (!row) {
		return [h("h2", t("There are no keys here", "Здесь нет ключей")),
			button(t("New key", "Новый ключ"), onnew, "primary")];
	}
	return hasCode(row.error, "forbidden") && [
		h("h2", t("No right to read these keys", "Нет права читать эти ключи")),
		session.user?.grants.map(({ prefix, rights }) => rights !== "w" &&
			h("a", { href: addressOf({ ...place, prefix }, null) }, keyText(prefix)))];
}

export const remaining = (row) => row?.expires < Infinity
	? duration(Math.ceil((row.expires - Date.now()) / 1000)) : "";

/** The classes and contents of the cells. */
function cellsOf(row, place) {
	const { key } = row;
	const end = key.lastIndexOf("/", key.length - 2) + 1;
	// in a list the last part of a long key stays in view
	const name = [!place.isTree && keyText(key.slice(0, end)), keyText(key.slice(end))];
	if (row.kind === "key") {
		return [["check", h("input", { type: "checkbox", tabindex: -1,
			"aria-label": t("Select", "Выбрать"), checked: place.selected.has(key) })],
		["name", h("a", { href: addressOf(place, key), tabindex: -1, title: key,
			"aria-label": key }, name)],
		["number", size(row.size)], ["number.revision", row.revision],
		["number.ttl", remaining(row)]];
	}
	if (row.kind === "prefix") {
		return [["check", icon(row.isOpen ? "open" : "closed")],
			["name", [icon("folder"), name]],
			["number", keysText(row.count)], ["number.revision"],
			["number", h("button.quiet", { tabindex: -1,
				"aria-label": deleteAllText() }, icon("delete"))]];
	}
	return [["wide", !row.error ? t("Loading…", "Загрузка…") : [describe(row.error), " ",
		h("button.link", { tabindex: -1 }, t("Try again", "Повторить"))]]];
}

const element = (classes, role, cells, props) => h(classes, { role: "row", ...props },
	cells.map(([name, content]) => h(`div.${name}`, { role }, content)));

/** The element of a row. */
export function rowElement(place, index) {
	const row = place.rows[index];
	const isKey = row.kind === "key";
	const classes = `div.key-row${index === place.active ? ".active" : ""}`;
	const made = element(classes, "gridcell", cellsOf(row, place), { id: `row-${index}`,
		"aria-rowindex": index + 2,
		"aria-selected": isKey && String(place.selected.has(row.key)),
		"aria-current": isKey && row.key === place.key && "true",
		"aria-level": place.isTree && row.depth + 1,
		"aria-expanded": row.kind === "prefix" && String(row.isOpen) });
	made.style.setProperty("--depth", String(row.depth));
	return made;
}

export const headElement = () => element("div.key-row.head", "columnheader", [["check", "✓"],
	["name", t("Key", "Ключ")], ["number", t("Size", "Размер")],
	["number.revision", t("Revision", "Ревизия")],
	["number", t("Expires in", "Истекает")]], { "aria-rowindex": 1 });
