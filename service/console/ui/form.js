// Forms: labelled fields, errors next to them, one submission at a time.
import { t } from "../locale/index.js";
import { describe } from "../text/problems.js";
import { fill, h, newId } from "./dom.js";

/**
 * @typedef {{element: HTMLElement, input: HTMLInputElement,
 *   setError: (text: string) => void}} Field
 */

/**
 * A field with its label. Other options are attributes of the input.
 * @param {{label: string, hint?: string} & Record<string, any>} options
 * @returns {Field}
 */
export function field({ label, hint, ...attributes }) {
  const id = newId();
  const error = h("span", { class: "field-error", id: `${id}-error` });
  const input = h("input", { id, "aria-describedby": `${id}-hint ${id}-error`,
    oninput: () => setError(""), ...attributes });
  /** @param {string} text */
  const setError = (text) => {
    error.textContent = text;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  const element = h("div", { class: "field" }, h("label", { for: id }, label), input,
    h("span", { class: "hint", id: `${id}-hint` }, hint), error);
  return { element, input, setError };
}

/** A check box with its label. @param {string} label @param {boolean} [checked] */
export function checkbox(label, checked = false) {
  const input = h("input", { type: "checkbox", checked });
  return { element: h("label", { class: "check" }, input, label), input };
}

/**
 * A form. `submit` may throw: the error is shown, and the fields keep their text.
 * @param {{body: import("./dom.js").Child, label: string, danger?: boolean,
 *   submit: () => Promise<void>, cancel?: () => void}} options
 * @returns {HTMLFormElement}
 */
export function form({ body, label, submit, cancel, danger = false }) {
  const error = h("p", { class: "form-error", role: "alert" });
  const button = h("button", { class: danger ? "danger" : "primary" }, label);
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    fill(error);
    button.disabled = true;
    element.setAttribute("aria-busy", "true");
    try {
      await submit();
    } catch (problem) {
      fill(error, describe(problem));
    } finally {
      button.disabled = false;
      element.removeAttribute("aria-busy");
    }
  };
  const element = h("form", { onsubmit }, body, error,
    h("div", { class: "actions" },
      cancel && h("button", { type: "button", onclick: cancel }, t("Cancel")), button));
  return element;
}
