// What the value pane says instead of a value, or about it.
import { t } from "../../../locale/index.js";
import { describe } from "../../../text/problems.js";
import { h } from "../../../ui/dom.js";
import { icon } from "../../../ui/icon.js";
import { openNewKey } from "./new-key.js";

/** @typedef {import("./pane.js").Pane} Pane */

/** @param {Pane} pane */
export function missing(pane) {
  const { key, onwritten, onopen } = pane.options;
  const oncreated = (/** @type {string} */ name) => {
    onwritten(name);
    if (name === key) pane.load();
    else onopen(name);
  };
  return h("div", { class: "empty" }, h("p", null, t("This key does not exist.")),
    h("button", { type: "button", class: "primary",
      onclick: () => openNewKey({ prefix: key, oncreated }) }, t("Create it")));
}

/** @param {Pane} pane @param {unknown} error */
export function failed(pane, error) {
  return h("div", { class: "empty", role: "alert" }, h("p", null, describe(error)),
    h("button", { type: "button", onclick: () => pane.load() }, t("Try again")));
}

/** That what is shown is out of date, if it is. @param {Pane} pane */
export function warning(pane) {
  const { entry, isEditing, reported: { revision, isDeleted } } = pane;
  const isChanged = revision > (entry?.revision ?? 0) && !(isDeleted && !entry?.revision);
  if (isChanged && !(isDeleted && entry?.isExpired)) {
    return h("p", { class: "banner" }, icon("warning"), isDeleted
      ? t("Deleted by another client at revision {revision}.", { revision })
      : t("Changed by another client at revision {revision}.", { revision }),
    isEditing ? t("Saving will show the conflict.")
      : h("button", { type: "button", onclick: () => pane.load() }, t("Show")));
  }
  return entry?.isExpired && h("p", { class: "banner" }, icon("warning"),
    t("This key has expired. This was its last value."));
}
