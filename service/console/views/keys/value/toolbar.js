// What can be done with a value that is viewed.
import { deleteKeys, incrementKey, writeKeys } from "../../../api/keys.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale/index.js";
import { check } from "../../../text/tokenizer.js";
import { confirmDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { field } from "../../../ui/form.js";
import { icon } from "../../../ui/icon.js";
import { notify } from "../../../ui/notices.js";
import { readEntry } from "./entry.js";
import { ask, askKey } from "./new-key.js";
import { LARGE, copy, download, errorText } from "./text.js";

/** @import {Pane} from "./pane.js" */
/** @import {Entry} from "./entry.js" */

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
export function toolbar(pane, entry, signal) {
  const { key, text, revision } = entry;
  const { onwritten, onremoved, onopen } = pane.options;
  /** @param {string} label @param {() => unknown} run @param {string} [name] of an icon */
  const button = (label, run, name, names = "") => h("button", { type: "button", class: names,
    onclick: async () => {
      try {
        await run();
      } catch (error) {
        pane.fail(error);
      }
    } }, name && icon(name), label);

  const add = (/** @type {bigint} */ by) => pane.apply(async () => {
    await incrementKey(key, String(by));
    return readEntry(key);
  });
  const askNumber = () => {
    const { element, input } = field({ label: t("Number"), required: true,
      pattern: "-?[0-9]+", title: t("An integer, such as 5 or -5"), autocomplete: "off" });
    ask(t("Add to the counter"), t("Add"), element, () => add(BigInt(input.value)));
  };
  const duplicate = () => askKey({ title: t("Duplicate"), label: t("Create"), name: key,
    write: async (name) => {
      await writeKeys({ data: [[name, text]], conditions: { [name]: null } });
      onwritten(name);
      onopen(name);
    } });
  const rename = () => askKey({ title: t("Rename"), label: t("Rename"), name: key,
    write: async (name) => {
      await writeKeys({ data: [[name, text]], deleted: [key], ttls: { [name]: entry.ttl },
        conditions: { [key]: revision, [name]: null } });
      onremoved(key);
      onwritten(name);
      onopen(name);
    } });
  const remove = async () => {
    if (await confirmDialog({ title: t("Delete this key?"), text: h("bdi", null, key),
      action: t("Delete"), danger: true })) {
      await deleteKeys([key], { [key]: revision });
      notify(t("Deleted"), { kind: "success" });
      onremoved(key);
    }
  };
  const isLarge = entry.size > LARGE;
  const editing = isLarge ? button(t("Replace by a file…"), () => replaceByFile(pane), "upload")
    : button(t("Edit"), () => pane.show(true), "edit", "primary");
  const removing = button(t("Delete"), remove, "delete");
  const canChange = entry.isWritable && !entry.isExpired;
  if (canChange) {
    shortcut("e", t("Edit"), () => editing.click(), signal);
    shortcut("Delete", t("Delete"), () => removing.click(), signal);
  }
  return h("div", { class: "toolbar" }, canChange && [editing, entry.isCounter
      && [button("−1", () => add(-1n)), button("+1", () => add(1n)), button(t("Add…"), askNumber)]],
  button(t("Copy"), () => copy(text), "copy"),
  button(t("Download"), () => download(key, text), "download"),
  h("a", { class: "button", href: `#/history/${encodeURIComponent(key)}` }, icon("history"),
    t("History")),
  button(t("Duplicate"), duplicate), canChange && [button(t("Rename"), rename), removing]);
}

/** @param {Pane} pane */
function replaceByFile(pane) {
  const replace = async () => {
    const text = await input.files?.[0]?.text() ?? "";
    const error = check(text);
    const isAgreed = error && await confirmDialog({ title: t("This file is not JSON"),
      text: errorText(error), action: t("Store its text as a JSON string") });
    if (!error || isAgreed) await pane.save(error ? JSON.stringify(text) : text);
  };
  const input = h("input", { type: "file",
    onchange: () => replace().catch((error) => pane.fail(error)) });
  input.click();
}
