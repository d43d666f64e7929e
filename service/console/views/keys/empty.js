// What the list says about itself: how much is loaded, or why it is empty.
import { session } from "../../api/session.js";
import { t, tn } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { keyText } from "../../ui/key-text.js";
import { addressOf } from "./address.js";

/** @typedef {import("./place.js").Place} Place */

/** @param {Place} place */
export function statusText({ rows, isTree }) {
  const { entries, hasMore, error } = rows.root;
  if (entries === 0) {
    return hasMore && error === null ? t("Loading…") : "";
  }
  if (isTree) {
    return hasMore ? tn("{n} entry loaded, more follow", "{n} entries loaded, more follow", entries)
      : tn("{n} entry", "{n} entries", entries);
  }
  return hasMore ? tn("{n} key loaded, more follow", "{n} keys loaded, more follow", entries)
    : tn("{n} key", "{n} keys", entries);
}

/** @param {Place} place @param {() => void} onnew */
export function nothing({ prefix }, onnew) {
  const add = h("button", { type: "button", class: "primary", onclick: onnew }, t("New key"));
  return prefix === "" ? [h("h2", null, t("There are no keys yet")),
    h("p", null, t("Add a key, or import a file.")),
    h("div", { class: "actions" }, add,
      h("a", { class: "button", href: "#/transfer" }, t("Import a file")))]
    : [h("h2", null, t("No key begins with this prefix")),
      h("p", null, t("Change the prefix, or add a key.")), add];
}

/** @param {Place} place */
export function forbidden({ isTree }) {
  const readable = (session.user?.grants ?? []).filter(({ rights }) => rights !== "w");
  const links = readable.map(({ prefix }) => h("li", null,
    h("a", { href: addressOf({ key: null, prefix, isTree }) }, keyText(prefix))));
  return [h("h2", null, t("Your account has no right to read these keys")),
    links.length > 0 ? h("p", null, t("You can read the keys with these prefixes:"))
      : h("p", null, t("Ask an administrator for the rights you need.")),
    h("ul", null, links)];
}
