// One row of the list as an element.
import { t, tn } from "../../locale/index.js";
import { count, duration, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";
import { keyText } from "../../ui/key-text.js";
import { addressOf } from "./address.js";
import { isKey, isPrefix } from "./rows.js";

/** @typedef {import("./rows.js").Row} Row */

/** The remaining time of a key. @param {Row | undefined} row */
export const remaining = (row) => isKey(row) && row.expires !== Infinity
  ? duration(Math.ceil((row.expires - Date.now()) / 1000)) : "";

/** @param {string} name @param {import("../../ui/dom.js").Child} [content] */
const cell = (name, content) => h("div", { role: "gridcell", class: name }, content);

/** @param {Row & {key: string}} row @param {boolean} isTree */
function name(row, isTree) {
  const start = isTree ? row.level.prefix.lastIndexOf("/") + 1 : 0;
  const text = row.key.slice(start);
  return text ? keyText(text) : h("span", { class: "muted" }, t("(the prefix itself)"));
}

/** @param {Row & {key: null}} row */
function moreCell({ level }) {
  return cell("wide", level.error === null ? t("Loading…") : [describe(level.error), " ",
    h("button", { type: "button", class: "link", tabindex: -1 }, t("Try again"))]);
}

/** @param {import("./rows.js").KeyRow} row @param {import("./place.js").Place} place */
function keyCells(row, { isTree, prefix, selected }) {
  const href = addressOf({ key: row.key, prefix, isTree });
  return [
    cell("check", h("input", { type: "checkbox", tabindex: -1, "aria-label": t("Select"),
      checked: selected.has(row.key) })),
    cell("name", h("a", { href, tabindex: -1, title: row.key }, name(row, isTree))),
    cell("number", size(row.size)),
    cell("number revision", String(row.revision)),
    cell("number ttl", remaining(row))];
}

/** @param {import("./rows.js").PrefixRow} row */
function prefixCells(row) {
  const n = row.keys;
  const label = t("Delete all keys with this prefix");
  return [
    cell("check", icon(row.inner ? "open" : "closed")),
    cell("name", [icon("folder"), name(row, true)]),
    cell("number", n === null ? t("{count} keys", { count: count(n) })
      : tn("{n} key", "{n} keys", n)),
    cell("number revision"),
    cell("number", h("button", { type: "button", class: "quiet", tabindex: -1,
      "aria-label": label, title: label }, icon("delete")))];
}

/**
 * @param {Row} row
 * @param {number} index
 * @param {import("./place.js").Place} place
 */
export function rowElement(row, index, place) {
  const isSelected = isKey(row) && place.selected.has(row.key);
  const isOpen = isKey(row) && place.key === row.key;
  const names = ["key-row", index === place.active && "active", isOpen && "current"];
  const element = h("div", { role: "row", id: `row-${index}`,
    class: names.filter(Boolean).join(" "), "aria-rowindex": index + 2,
    "aria-selected": isKey(row) && String(isSelected),
    "aria-current": isOpen && "true",
    "aria-level": place.isTree && row.level.depth + 1,
    "aria-expanded": isPrefix(row) && String(row.inner !== null) },
  row.key === null ? moreCell(row) : isKey(row) ? keyCells(row, place) : prefixCells(row));
  element.style.setProperty("--depth", String(row.level.depth));
  return element;
}

/** The head of the list. */
export const headElement = () => h("div", { role: "row", class: "key-row head",
  "aria-rowindex": 1 }, [
  ["check", h("input", { type: "checkbox", tabindex: -1,
    "aria-label": t("Select all loaded keys") })],
  ["name", t("Key")], ["number", t("Size")], ["number revision", t("Revision")],
  ["number ttl", t("Expires in")],
].map(([names, content]) => h("div", { role: "columnheader", class: names }, content)));
