// One row of the list as an element.
import { t, tn } from "../../locale/index.js";
import { count, duration, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";
import { keyText } from "../../ui/key-text.js";
import { addressOf } from "./place.js";
import { isKey, isPrefix } from "./rows.js";

/** @typedef {import("./rows.js").Row} Row */

/** The height of a row in pixels, as in keys.css. */
export const ROW = 32;

/** The remaining time of a key. @param {Row} row */
export const remaining = (row) => isKey(row) && row.expires !== Infinity
  ? duration(Math.ceil((row.expires - Date.now()) / 1000)) : "";

/** @param {string} names @param {import("../../ui/dom.js").Child} [content] */
const cell = (names, content) => h(`div.${names}`, { role: "gridcell" }, content);

/** The part of a key below the level. @param {Row & {key: string}} row */
const name = ({ level, key }) =>
  keyText(key.slice(level.prefix.lastIndexOf("/") + 1) || t("(the prefix itself)"));

/** The last part of a long key stays in view. @param {string} key */
function parts(key) {
  const end = key.lastIndexOf("/", key.length - 2) + 1;
  return [keyText(key.slice(0, end)), keyText(key.slice(end))];
}

/** @param {Row & {key: null}} row */
const moreCells = ({ level: { error } }) => cell("wide", error === null ? t("Loading…")
  : [describe(error), " ",
    h("button.link", { type: "button", tabindex: -1 }, t("Try again"))]);

/** @param {import("./rows.js").KeyRow} row @param {import("./place.js").Place} place */
const keyCells = (row, place) => [
  cell("check", h("input", { type: "checkbox", tabindex: -1, "aria-label": t("Select"),
    checked: place.selected.has(row.key) })),
  cell("name", h("a", { href: addressOf({ ...place, key: row.key }), tabindex: -1,
    title: row.key, "aria-label": row.key }, place.isTree ? name(row) : parts(row.key))),
  cell("number", size(row.size)),
  cell("number.revision", row.revision),
  cell("number.ttl", remaining(row))];

/** @param {import("./rows.js").PrefixRow} row */
const prefixCells = (row) => [
  cell("check", icon(row.inner ? "open" : "closed")),
  cell("name", [icon("folder"), name(row)]),
  cell("number", row.keys === null ? t("{count} keys", { count: count(null) })
    : tn("{n} key", "{n} keys", row.keys)),
  cell("number.revision"),
  cell("number", h("button.quiet", { type: "button", tabindex: -1,
    "aria-label": t("Delete all keys with this prefix") }, icon("delete")))];

/**
 * @param {Row} row
 * @param {number} index
 * @param {import("./place.js").Place} place
 */
export function rowElement(row, index, place) {
  const key = isKey(row) ? row.key : null;
  const isOpen = key !== null && place.key === key;
  const element = h("div.key-row", { role: "row", id: `row-${index}`,
    "aria-rowindex": index + 2,
    "aria-selected": key !== null && String(place.selected.has(key)),
    "aria-current": isOpen && "true",
    "aria-level": place.isTree && row.level.depth + 1,
    "aria-expanded": isPrefix(row) && String(row.inner !== null),
  }, isKey(row) ? keyCells(row, place)
    : isPrefix(row) ? prefixCells(row) : moreCells(row));
  element.classList.toggle("active", index === place.active);
  element.style.setProperty("--depth", String(row.level.depth));
  return element;
}

/** The head of the list. */
export const headElement = () => h("div.key-row.head", { role: "row", "aria-rowindex": 1 },
  Object.entries({ "check": h("input", { type: "checkbox", tabindex: -1,
    "aria-label": t("Select all loaded keys") }), "name": t("Key"), "number": t("Size"),
  "number.revision": t("Revision"), "number.ttl": t("Expires in") }).map(([names, content]) =>
    h(`div.${names}`, { role: "columnheader" }, content)));
