// Edits the text of a value. What is not touched keeps its bytes.
import { guardLeaving } from "../../../app/router.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { format } from "../../../text/json-text.js";
import { ExactText } from "../../../text/splice.js";
import { check } from "../../../text/tokenizer.js";
import { button } from "../../../ui/button.js";
import { confirmDialog } from "../../../ui/form.js";
import { fill, h } from "../../../ui/dom.js";
import { colour, errorText } from "./text.js";
import { save } from "./save.js";

/** Milliseconds without a change, after which a text is checked. */
const PAUSE = 200;
/** The characters that are coloured: Chromium takes long to lay out more lines. */
const COLOURED = 32_768;

/** @param {import("./index.js").Pane} pane @param {import("./entry.js").Entry} entry
 * @param {AbortSignal} signal */
export function editor(pane, entry, signal) {
  const text = new ExactText(entry.text);
  const isChanged = () => text.exact !== pane.entry?.text;
  // a textarea with transparent text, on a coloured copy
  const copy = document.createTextNode("");
  const layers = h("div.layers", h("pre.value-text", { "aria-hidden": "true" }, copy, "\n"));
  const area = h("textarea", { spellcheck: "false", autocapitalize: "none",
    "aria-label": t("Text", "Текст"), "aria-describedby": "json-check" });
  area.value = text.shown;
  layers.append(area);
  const paint = () => {
    const isPlain = area.value.length > COLOURED;
    layers.classList.toggle("plain", isPlain);
    copy.data = isPlain ? "" : area.value;
    colour(copy);
  };
  const status = h("span", { id: "json-check", role: "status" });
  let timer = 0;

  const verify = () => {
    const error = check(area.value);
    const says = error ? errorText(error) : t("Valid JSON", "JSON верен");
    const select = () => {
      area.focus();
      area.setSelectionRange(error?.offset ?? 0, error?.offset ?? 0);
    };
    if (status.textContent !== says) {
      fill(status, error ? button(says, select, "link bad", "warning") : says);
    }
    area.toggleAttribute("aria-invalid", error !== null);
    for (const it of [saving, ...layouts]) it.disabled = error !== null;
    paint();
    return error === null;
  };
  /** @param {string} exact */
  const replace = (exact) => {
    text.replace(exact);
    area.value = text.shown;
    area.setSelectionRange(0, 0);
    area.focus();
    verify();
  };
  /** Layouts to undo: a browser undoes only what is typed.
   * @type {{before: string, after: string}[]} */
  const done = [];
  const layouts = [false, true].map((isCompact) =>
    button(isCompact ? t("Compact", "Сжать") : t("Format", "Форматировать"), () => {
      const before = text.exact;
      if (!verify()) return;
      replace(format(before, isCompact));
      done.push({ before, after: text.exact });
    }));
  area.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && /^[zя]$/.test(event.key);
    if (!isUndo || done.at(-1)?.after !== text.exact) return;
    event.preventDefault();
    replace(done.pop()?.before ?? "");
  });
  area.addEventListener("input", () => {
    text.edit(area.value);
    paint();
    clearTimeout(timer);
    timer = setTimeout(verify, PAUSE);
  });
  const saving = button(t("Save", "Сохранить"), () => {
    if (!verify()) return;
    return isChanged() ? save(pane, text.exact) : pane.show();
  }, "primary");
  const mayLeave = async () => !isChanged() || confirmDialog({ danger: true,
    title: t("Discard your changes?", "Отбросить изменения?"), text: "", action: t("Discard", "Отбросить") });
  const cancel = async () => await mayLeave() && pane.show();
  guardLeaving(mayLeave, signal);
  addEventListener("beforeunload", (event) => isChanged() && event.preventDefault(),
    { signal });
  shortcut("Mod+s", t("Save", "Сохранить"), () => saving.click(), signal);
  shortcut("Mod+enter", t("Save", "Сохранить"), () => saving.click(), signal);
  shortcut("Escape", t("Cancel", "Отмена"), cancel, signal);
  verify();
  return [h("div.toolbar", saving, button(t("Cancel", "Отмена"), cancel), layouts, status), layers];
}
