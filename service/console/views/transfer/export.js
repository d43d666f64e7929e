// Exports the keys below a prefix into a file.
import { isAbort } from "../../api/problem.js";
import { exportKeys } from "../../api/transfer.js";
import { t, tn } from "../../locale/index.js";
import { size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";
import { run, showResult } from "./running.js";

/** @param {string} prefix @param {AbortSignal} left */
export function exportCard(prefix, left) {
  const input = field({ label: t("Prefix"), name: "prefix", value: prefix, class: "mono",
    placeholder: t("every key"), autocomplete: "off", spellcheck: "false" });
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = fileName(input.input.value);
    try {
      const file = await chosenFile(name);
      await run(card, left, (signal, show) =>
        download({ prefix: input.input.value, file, signal }, name, show));
    } catch (error) {
      if (isAbort(error)) {
        showResult(card, "info", t("Cancelled. Nothing was saved."));
      } else {
        showResult(card, "error", t("Nothing was saved."), " ", describe(error));
      }
    }
  };
  /** @param {any} options @param {string} name @param {(words: string) => void} show */
  const download = async (options, name, show) => {
    let bytes = 0;
    const onprogress = (/** @type {number} */ lines, /** @type {number} */ now) => {
      bytes = now;
      show(tn("{n} key, {size}", "{n} keys, {size}", lines - 1, { size: size(now) }));
    };
    const { last, blob } = await exportKeys({ ...options, onprogress });
    if (blob) {
      save(blob, name);
    }
    if (last.end) {
      showResult(card, "success", tn("Exported {n} key, {size}. Revision {revision}.",
        "Exported {n} keys, {size}. Revision {revision}.", last.keys ?? 0,
        { size: size(bytes), revision: String(last.revision) }));
    } else {
      showResult(card, "error", t("The file is incomplete."), " ", describe(last));
    }
  };
  const card = h("section", { class: "card" }, h("h2", null, t("Export")),
    h("p", { class: "muted" }, t("A file with all keys that you may read, as they are at "
      + "one moment. Others can go on writing.")),
    h("form", { onsubmit }, h("fieldset", null, input.element,
      h("div", null, h("button", { class: "primary" }, icon("download"), t("Export"))))),
    h("div", { class: "status" }));
  return card;
}

/** @param {string} prefix */
function fileName(prefix) {
  const date = new Date().toISOString().slice(0, 10);
  const parts = ["kv", prefix.replace(/[^\p{L}\p{N}._-]+/gu, "-"), date];
  return `${parts.join("-").replace(/-+/g, "-")}.ndjson`;
}

/**
 * A file that the user chooses, where the browser can write to it piece by piece.
 * @param {string} suggestedName
 * @returns {Promise<FileSystemFileHandle | null>}
 */
async function chosenFile(suggestedName) {
  const { showSaveFilePicker } = /** @type {any} */ (window);
  return await showSaveFilePicker?.({ suggestedName }) ?? null;
}

/** @param {Blob} blob @param {string} download */
function save(blob, download) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
