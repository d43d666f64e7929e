// How long a key lives: a field with presets, and a dialog.
import { t } from "../../../locale/index.js";
import { duration } from "../../../text/format.js";
import { openDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { field, form } from "../../../ui/form.js";

/** Seconds. */
const PRESETS = [3600, 86_400, 604_800];

/** @param {boolean} required */
export function lifetimeField(required) {
  const { element, input } = field({ label: t("Lifetime from now, in seconds"), required,
    type: "number", min: 1, step: 1, hint: required ? "" : t("Empty: it never expires.") });
  const presets = PRESETS.map((seconds) => h("button", { type: "button",
    onclick: () => (input.value = String(seconds)) }, duration(seconds)));
  element.append(h("div", { class: "toolbar" }, presets));
  const seconds = () => (input.value === "" ? null : input.valueAsNumber);
  return { element, seconds };
}

/**
 * @param {import("./pane.js").Pane} pane
 * @param {import("./entry.js").Entry} entry
 */
export function askLifetime(pane, entry) {
  const { element, seconds } = lifetimeField(true);
  const body = form({ body: element, label: t("Set"), submit: async () => {
    await pane.apply(() => entry.write(entry.text, seconds()));
    dialog.close();
  } });
  const dialog = openDialog({ title: t("Lifetime"), body });
}
