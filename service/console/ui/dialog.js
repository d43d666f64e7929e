// Modal dialogs. The browser keeps the focus inside, and gives it back.
import { t } from "../locale/index.js";
import { h, newId } from "./dom.js";
import { icon } from "./icon.js";

/**
 * Opens a dialog.
 * @param {{title: string, body: import("./dom.js").Child, class?: string,
 *   onclose?: () => void}} options
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function openDialog({ title, body, onclose, class: names = "" }) {
  const id = newId();
  const close = () => element.close();
  const element = h("dialog", { "aria-labelledby": id, class: names },
    h("header", null,
      h("h2", { id }, title),
      h("button", { type: "button", class: "quiet", "aria-label": t("Close"),
        onclick: close }, icon("close"))),
    h("div", { class: "dialog-body" }, body));
  element.addEventListener("close", () => {
    element.remove();
    onclose?.();
  });
  document.body.append(element);
  element.showModal();
  return { element, close };
}

/**
 * Asks for a confirmation. With `typed` the user has to type that text.
 * @param {{title: string, text: import("./dom.js").Child, action: string,
 *   danger?: boolean, typed?: string}} options
 * @returns {Promise<boolean>}
 */
export function confirmDialog({ title, text, action, danger = false, typed }) {
  return new Promise((resolve) => {
    let answer = false;
    const confirm = h("button", { class: danger ? "danger" : "primary",
      disabled: typed !== undefined }, action);
    const input = h("input", { autocomplete: "off", spellcheck: "false", autofocus: true,
      oninput: () => (confirm.disabled = input.value !== typed) });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      answer = true;
      dialog.close();
    };
    const form = h("form", { onsubmit: submit }, h("p", null, text),
      typed !== undefined && h("label", { class: "field" },
        h("span", null, t("Type {text} to confirm", { text: typed })), input),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => dialog.close() }, t("Cancel")), confirm));
    const dialog = openDialog({ title, body: form, onclose: () => resolve(answer) });
    if (typed === undefined) {
      confirm.focus();
    }
  });
}
