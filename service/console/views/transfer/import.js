// Imports a file, and continues where an import has ended.
import { isAbort } from "../../api/problem.js";
import { currentRevision, importFile } from "../../api/transfer.js";
import { t, tn } from "../../locale/index.js";
import { count, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";
import { run, showResult } from "./running.js";

/** @typedef {import("../../api/transfer.js").Line} Line */

/** @param {AbortSignal} left */
export function importCard(left) {
  const chosen = field({ label: t("File"), type: "file", name: "file", required: true,
    accept: ".ndjson,.jsonl,.json,.gz,.zst,.txt",
    hint: t("Choose it or drop it on this page. It may be compressed (.gz, .zst).") });
  const modes = Object.entries({
    overwrite: t("Overwrite: keys that exist get the values of the file"),
    create: t("Create: stop at the first key that exists"),
    skip: t("Skip: keys that exist stay as they are"),
  }).map(([value, text], index) => h("label", { class: "check" },
    h("input", { type: "radio", name: "mode", value, checked: index === 0 }), text));
  /** @param {number | null} [since] of an import that is continued */
  const start = async (since) => {
    const file = chosen.input.files?.[0];
    if (!file) {
      return chosen.input.focus();
    }
    const mode = new FormData(form).get("mode");
    /** @type {Line} */
    let last = {};
    try {
      await run(card, left, async (signal, show) => {
        await file.slice(0, 1).arrayBuffer();
        since ??= await currentRevision();
        last = await importFile({ file, mode: /** @type {any} */ (mode), since, signal,
          onprogress: (sent, report) => {
            last = report;
            show(progress(sent, file.size, report), sent / file.size);
          } });
      });
      showResult(card, "success", numbers(last));
    } catch (error) {
      showFailure(error, last, since ?? last.since);
    }
  };
  /** @param {any} error @param {Line} last @param {number} [since] */
  const showFailure = (error, last, since) => {
    const { line, written_through: through = last.line ?? 0 } = error.members ?? {};
    const words = isAbort(error) ? t("Cancelled.") : error.name === "NotReadableError"
      ? t("The file has changed. Choose it again.") : describe(error);
    showResult(card, isAbort(error) ? "info" : "error",
      h("p", null, line ? t("Line {line}:", { line: count(line) }) : "", " ", words),
      h("p", null, through > 0 ? t("Written through line {line}; this stays.",
        { line: count(through) }) : error.status >= 400 ? t("Nothing was written.")
        : t("What was written stays.")),
      since !== undefined && [
        h("p", { class: "muted" }, t("Choose the file again if you have corrected it.")),
        h("button", { type: "button", onclick: () => start(since) },
          t("Continue from here"))]);
  };
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    start();
  };
  const form = h("form", { onsubmit }, h("fieldset", null, chosen.element,
    h("fieldset", null, h("legend", null, t("If a key exists")), modes),
    h("div", null, h("button", { class: "primary" }, icon("upload"), t("Import")))));
  const card = h("section", { class: "card" }, h("h2", null, t("Import")),
    h("p", { class: "muted" }, t("Lines of JSON: an export, or {example}.",
      { example: '{"key": "a", "value": 1}' })), form, h("div", { class: "status" }));
  addEventListener("dragover", (event) => event.preventDefault(), { signal: left });
  addEventListener("drop", (event) => {
    event.preventDefault();
    chosen.input.files = event.dataTransfer?.files ?? null;
  }, { signal: left });
  return card;
}

/** @param {number} sent @param {number} total @param {Line} report */
function progress(sent, total, report) {
  const bytes = t("{sent} of {total}", { sent: size(sent), total: size(total) });
  return report.line ? `${bytes}. ${numbers(report)}` : bytes;
}

/** @param {Line} report */
function numbers({ written = 0, skipped = 0 }) {
  return tn("{n} line written, {skipped} skipped.", "{n} lines written, {skipped} skipped.",
    written, { skipped: count(skipped) });
}
