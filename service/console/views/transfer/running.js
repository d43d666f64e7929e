// A transfer that runs: its progress, Cancel, and a question to a user who leaves.
import { guardLeaving } from "../../app/router.js";
import { t } from "../../locale/index.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { announce } from "../../ui/notices.js";

/**
 * One transfer runs at a time: the forms of the page are disabled until it ends.
 * @typedef {(words: string, part?: number) => void} Show `part`: 0 to 1, if it is known
 * @param {HTMLElement} card
 * @param {AbortSignal} left
 * @param {(signal: AbortSignal, show: Show) => Promise<void>} work
 */
export async function run(card, left, work) {
  const cancel = new AbortController();
  const over = new AbortController();
  const status = card.querySelector(".status") ?? card;
  const forms = [...card.parentElement?.querySelectorAll("fieldset") ?? []];
  const disable = (/** @type {boolean} */ is) =>
    forms.forEach((each) => (each.disabled = is));
  const bar = h("progress", { "aria-label": t("Progress") });
  const text = h("p", { class: "muted" });
  const button = h("button", { type: "button", onclick: () => cancel.abort() },
    t("Cancel"));
  fill(status, bar, text, h("div", { class: "actions" }, button));
  disable(true);
  button.focus();
  guardLeaving(() => confirmDialog({ title: t("Stop the transfer?"), danger: true,
    text: t("It stops when you leave this page."), action: t("Stop") }), over.signal);
  addEventListener("beforeunload", (event) => event.preventDefault(),
    { signal: over.signal });
  try {
    await work(AbortSignal.any([left, cancel.signal]), (words, part) => {
      text.textContent = words;
      bar.value = part ?? 0;
      if (part === undefined) {
        bar.removeAttribute("value");
      }
    });
  } finally {
    over.abort();
    disable(false);
  }
}

/**
 * The result of a transfer.
 * @param {HTMLElement} card
 * @param {"success" | "error" | "info"} kind
 * @param {...import("../../ui/dom.js").Child} children
 */
export function showResult(card, kind, ...children) {
  const result = h("div", { class: `notice ${kind}`, role: kind === "error" && "alert" },
    h("div", null, children));
  fill(card.querySelector(".status") ?? card, result);
  if (kind !== "error") {
    announce(result.innerText);
  }
}
