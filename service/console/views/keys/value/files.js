// Exact texts to the clipboard, to a file, and from one.
import { t } from "../../../locale/index.js";
import { describe } from "../../../text/problems.js";
import { check } from "../../../text/tokenizer.js";
import { confirmDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { notify } from "../../../ui/notices.js";
import { errorText } from "./editor.js";

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // the clipboard is only there with HTTPS
    addEventListener("copy", (event) => {
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    }, { once: true });
    document.execCommand("copy");
  }
  notify(t("Copied"), { kind: "success" });
}

/** @param {string} key @param {string} text */
export function download(key, text) {
  const name = key.replace(/[/\\:*?"<>|\p{C}]+/gu, "_").replace(/(\.json)?$/, ".json");
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {import("./pane.js").Pane} pane */
export function replaceByFile(pane) {
  const input = h("input", { type: "file", onchange: async () => {
    try {
      const text = await input.files?.[0]?.text() ?? "";
      const error = check(text);
      if (!error) return await pane.save(text);
      const isAgreed = await confirmDialog({ title: t("This file is not JSON"),
        text: `${errorText(error)}. ${t("Its text can be stored as a JSON string.")}`,
        action: t("Store as a string") });
      if (isAgreed) await pane.save(JSON.stringify(text));
    } catch (error) {
      notify(describe(error), { kind: "error" });
    }
  } });
  input.click();
}
