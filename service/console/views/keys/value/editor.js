// Edits the text of a value. What is not touched keeps its bytes.
import { guardLeaving } from "../../../app/router.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale/index.js";
import { compact, format } from "../../../text/json-text.js";
import { describe } from "../../../text/problems.js";
import { ExactText } from "../../../text/splice.js";
import { check } from "../../../text/tokenizer.js";
import { confirmDialog } from "../../../ui/dialog.js";
import { fill, h } from "../../../ui/dom.js";
import { colour } from "./highlight.js";

/** Milliseconds after the last key until the text is checked. */
const PAUSE = 150;

/** @param {{line: number, column: number, expected: string}} error */
export const errorText = ({ line, column, expected }) =>
  t("Line {line}, column {column}: {expected}", { line, column, expected });

/** @param {import("./pane.js").Pane} pane @param {AbortSignal} signal */
export function editor(pane, signal) {
  const text = new ExactText(pane.entry?.text ?? "");
  // The textarea, whose text is transparent, lies on the coloured text.
  const node = document.createTextNode(text.shown);
  const area = h("textarea", { spellcheck: "false", autocapitalize: "none",
    autocomplete: "off", "aria-label": t("Value"), "aria-describedby": "json-check" });
  area.value = text.shown;
  const status = h("p", { id: "json-check", role: "status" });
  const problem = h("p", { class: "form-error", role: "alert" });
  const isChanged = () => text.exact !== pane.entry?.text;
  let timer = 0;

  const verify = () => {
    const error = check(area.value);
    const says = error ? errorText(error) : t("Valid JSON");
    const select = () => {
      area.focus();
      area.setSelectionRange(error?.offset ?? 0, error?.offset ?? 0);
    };
    if (status.textContent !== says) {
      fill(status, error
        ? h("button", { type: "button", class: "link bad", onclick: select }, says) : says);
    }
    area.toggleAttribute("aria-invalid", error !== null);
    for (const button of [saveButton, ...layouts]) button.disabled = error !== null;
    colour(node);
    return error === null;
  };
  area.addEventListener("input", () => {
    text.edit(area.value);
    replaceText(node, area.value);
    clearTimeout(timer);
    timer = setTimeout(verify, PAUSE);
  });

  /** @param {(text: string) => string} layOut */
  const change = (layOut) => {
    if (!verify()) return;
    text.replace(layOut(text.exact));
    area.focus();
    area.select();
    // unlike a new value, this can be undone by the browser
    document.execCommand("insertText", false, text.shown);
    area.setSelectionRange(0, 0);
  };
  const save = async () => {
    if (!verify() || element.ariaBusy) return;
    if (!isChanged()) return pane.show();
    fill(problem);
    element.ariaBusy = "true";
    saveButton.disabled = true;
    try {
      await pane.save(text.exact);
    } catch (error) {
      fill(problem, describe(error));
    } finally {
      element.ariaBusy = null;
      saveButton.disabled = false;
    }
  };
  const mayLeave = async () => !isChanged() || confirmDialog({ danger: true,
    title: t("Discard your changes?"), text: t("They are not saved."), action: t("Discard") });
  const cancel = async () => {
    if (await mayLeave()) pane.show();
  };
  guardLeaving(mayLeave, signal);
  addEventListener("beforeunload", (event) => isChanged() && event.preventDefault(), { signal });
  shortcut("Mod+s", t("Save"), save, signal);
  shortcut("Mod+enter", t("Save"), save, signal);
  shortcut("Escape", t("Cancel"), cancel, signal);

  const button = (/** @type {string} */ label, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", onclick }, label);
  const saveButton = h("button", { class: "primary", onclick: save }, t("Save"));
  const layouts = [button(t("Format"), () => change(format)),
    button(t("Compact"), () => change(compact))];
  const element = h("div", { class: "editor" },
    h("div", { class: "toolbar" }, saveButton, button(t("Cancel"), cancel), layouts, status),
    problem, h("div", { class: "layers" },
      h("pre", { class: "value-text", "aria-hidden": "true" }, node, "\n"), area));
  verify();
  return element;
}

/** Replaces what differs: the colours of the rest move along.
 * @param {Text} node @param {string} text */
function replaceText(node, text) {
  const { data } = node;
  const most = Math.min(data.length, text.length);
  let start = 0;
  while (start < most && data[start] === text[start]) start++;
  let end = 0;
  while (end < most - start && data.at(-end - 1) === text.at(-end - 1)) end++;
  node.replaceData(start, data.length - start - end, text.slice(start, text.length - end));
}
