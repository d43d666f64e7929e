// What can be done with a value that is viewed.
import { deleteKeys, incrementKey, writeKeys } from "../../../api/keys.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale/index.js";
import { confirmDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { icon } from "../../../ui/icon.js";
import { notify } from "../../../ui/notices.js";
import { addToCounter } from "./counter.js";
import { copy, download, replaceByFile } from "./files.js";
import { readEntry } from "./entry.js";
import { openKeyDialog } from "./key-dialog.js";
import { LARGE } from "./value-text.js";

/** @typedef {import("./pane.js").Pane} Pane */
/** @typedef {import("./entry.js").Entry} Entry */

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
export function toolbar(pane, entry, signal) {
  const { key, text, ttl, revision } = entry;
  const { onwritten, onremoved, onopen } = pane.options;
  const canChange = entry.isWritable && !entry.isExpired;

  const add = (/** @type {string} */ by) => pane.apply(async () => {
    await incrementKey(key, by);
    return readEntry(key);
  });
  const quickly = (/** @type {string} */ by) => () => add(by).catch((error) => pane.fail(error));
  const duplicate = () => openKeyDialog({ title: t("Duplicate"), label: t("Create"), name: key,
    write: async (name) => {
      await writeKeys({ data: [[name, text]], conditions: { [name]: null } });
      onwritten(name);
      onopen(name);
    } });
  const rename = () => openKeyDialog({ title: t("Rename"), label: t("Rename"), name: key,
    write: async (name) => {
      await writeKeys({ data: [[name, text]], deleted: [key], ttls: { [name]: ttl },
        conditions: { [name]: null, [key]: revision } });
      onremoved(key);
      onwritten(name);
      onopen(name);
    } });
  const remove = async () => {
    if (!(await confirmDialog({ title: t("Delete this key?"), text: h("bdi", null, key),
      action: t("Delete"), danger: true }))) return;
    try {
      await deleteKeys([key], { [key]: revision });
      notify(t("Deleted"), { kind: "success" });
      onremoved(key);
    } catch (error) {
      pane.fail(error);
    }
  };
  const edit = () => (entry.size > LARGE ? replaceByFile(pane) : pane.show(true));

  const button = (/** @type {string} */ label, /** @type {string} */ name,
    /** @type {() => void} */ onclick, names = "") =>
    h("button", { type: "button", class: names, onclick }, name && icon(name), label);
  if (canChange) {
    shortcut("e", t("Edit"), edit, signal);
    shortcut("Delete", t("Delete"), remove, signal);
  }
  return h("div", { class: "toolbar" },
    canChange && (entry.size > LARGE ? button(t("Replace by a file…"), "upload", edit)
      : button(t("Edit"), "edit", edit, "primary")),
    canChange && entry.isCounter && [button("−1", "", quickly("-1")),
      button("+1", "", quickly("1")), button(t("Add…"), "", () => addToCounter(add))],
    button(t("Copy"), "copy", () => copy(text)),
    button(t("Download"), "download", () => download(key, text)),
    h("a", { class: "button", href: `#/history/${encodeURIComponent(key)}` },
      icon("history"), t("History")),
    button(t("Duplicate"), "add", duplicate),
    canChange && [button(t("Rename"), "", rename), button(t("Delete"), "delete", remove)]);
}
