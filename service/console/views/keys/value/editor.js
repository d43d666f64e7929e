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
import { icon } from "../../../ui/icon.js";
import { colour, errorText } from "./text.js";

/** Milliseconds without a change, after which the text is checked. */
const PAUSE = 150;

/** @param {import("./pane.js").Pane} pane @param {AbortSignal} signal */
export function editor(pane, signal) {
  const text = new ExactText(pane.entry?.text ?? "");
  const isChanged = () => text.exact !== pane.entry?.text;
  // the textarea, whose text is transparent, lies on a coloured copy
  const copy = document.createTextNode(text.shown);
  const area = h("textarea", { spellcheck: "false", autocapitalize: "none",
    "aria-label": t("Value"), "aria-describedby": "json-check" });
  area.value = text.shown;
  const status = h("span", { id: "json-check", role: "status" });
  const problem = h("p", { class: "form-error", role: "alert" });
  let timer = 0;

  const verify = () => {
    const error = check(area.value);
    const says = error ? errorText(error) : t("Valid JSON");
    const select = () => {
      area.focus();
      area.setSelectionRange(error?.offset ?? 0, error?.offset ?? 0);
    };
    if (status.textContent !== says) {
      fill(status, error ? h("button", { type: "button", class: "link bad", onclick: select },
        icon("warning"), says) : says);
    }
    area.toggleAttribute("aria-invalid", error !== null);
    for (const button of [saving, ...layouts]) button.disabled = error !== null;
    colour(copy);
    return error === null;
  };
  area.addEventListener("input", () => {
    text.edit(area.value);
    replaceText(copy, area.value);
    clearTimeout(timer);
    timer = setTimeout(verify, PAUSE);
  });

  const save = async () => {
    if (saving.ariaBusy || !verify()) return;
    if (!isChanged()) return pane.show();
    fill(problem);
    saving.ariaBusy = "true";
    await pane.save(text.exact).catch((error) => fill(problem, describe(error)));
    saving.ariaBusy = null;
  };
  const mayLeave = async () => !isChanged() || confirmDialog({ danger: true,
    title: t("Discard your changes?"), text: t("They are not saved."), action: t("Discard") });
  const cancel = async () => await mayLeave() && pane.show();
  guardLeaving(mayLeave, signal);
  addEventListener("beforeunload", (event) => isChanged() && event.preventDefault(),
    { signal });
  shortcut("Mod+s", t("Save"), save, signal);
  shortcut("Mod+enter", t("Save"), save, signal);
  shortcut("Escape", t("Cancel"), cancel, signal);

  /** @param {string} label @param {() => void} onclick */
  const button = (label, onclick, names = "") =>
    h("button", { type: "button", class: names, onclick }, label);
  const layouts = [format, compact].map((layOut, index) =>
    button(index ? t("Compact") : t("Format"), () => {
      if (!verify()) return;
      text.replace(layOut(text.exact));
      area.select();
      // the browser can undo this, unlike a new value
      document.execCommand("insertText", false, text.shown);
      area.setSelectionRange(0, 0);
    }));
  const saving = button(t("Save"), save, "primary");
  verify();
  return [h("div", { class: "toolbar" }, saving, button(t("Cancel"), cancel), layouts, status),
    problem, h("div", { class: "layers" },
      h("pre", { class: "value-text", "aria-hidden": "true" }, copy, "\n"), area)];
}

/** Replaces what differs: the colours of the rest move along.
 * @param {Text} node @param {string} text */
function replaceText(node, text) {
  const { data } = node;
  const most = Math.min(data.length, text.length);
  let [head, tail] = [0, 0];
  while (head < most && data[head] === text[head]) head++;
  while (tail < most - head && data.at(-tail - 1) === text.at(-tail - 1)) tail++;
  node.replaceData(head, data.length - head - tail, text.slice(head, text.length - tail));
}
