// What the list and the pane of the value say when there is nothing else to show.
import { session } from "../../api/session.js";
import { t, tn } from "../../locale/index.js";
import { button } from "../../ui/button.js";
import { h } from "../../ui/dom.js";
import { keyText } from "../../ui/key-text.js";
import { addressOf } from "./place.js";

/** @typedef {import("./place.js").Place} Place */

/** How much is loaded. @param {Place} place */
export function statusText({ rows: { all, root }, isTree }) {
  const { entries, hasMore, error } = root;
  if (entries === 0) return hasMore && error === null ? t("Loading…") : "";
  if (isTree) {
    return hasMore ? tn("{n} entry, more follow", "{n} entries, more follow", entries)
      : tn("{n} entry", "{n} entries", entries);
  }
  const n = all.length - Number(hasMore);
  return hasMore ? tn("{n} key loaded, more follow", "{n} keys loaded, more follow", n)
    : tn("{n} key", "{n} keys", n);
}

/** @param {string} title @param {string} text */
const message = (title, text) => [h("h2", title), h("p", text)];

/** @param {Place} place @param {() => void} onnew */
export function nothing({ prefix }, onnew) {
  const add = button(t("New key"), onnew, "primary");
  return prefix === "" ? [message(t("There are no keys yet"), t("Add a key, or import a file.")),
    add, h("a", { href: "#/transfer" }, t("Import a file"))]
    : [message(t("No key begins with this prefix"), t("Change the prefix, or add a key.")), add];
}

/** @param {Place} place */
export function forbidden({ isTree }) {
  const grants = session.user?.grants.filter((grant) => grant.prefix && grant.rights !== "w") ?? [];
  return [message(t("Your account has no right to read these keys"), grants.length > 0
    ? t("You can read the keys with these prefixes:")
    : t("Ask an administrator for the rights you need.")),
  grants.map(({ prefix }) =>
    h("a", { href: addressOf({ key: null, prefix, isTree }) }, keyText(prefix)))];
}

export const hint = () => h("div.empty", h("p", t("Choose a key to see its value.")),
  h("p", h("kbd", "?"), " ", t("shows the keyboard shortcuts")));

export const malformed = () => h("div.empty", { role: "alert" },
  message(t("This address is not valid"), t("The key in it is not encoded correctly.")),
  h("a.button", { href: "#/keys" }, t("Show the list")));
