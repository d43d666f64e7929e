// A dialog that creates a key.
import { writeKeys } from "../../../api/keys.js";
import { t } from "../../../locale/index.js";
import { check } from "../../../text/tokenizer.js";
import { h, newId } from "../../../ui/dom.js";
import { errorText } from "./editor.js";
import { openKeyDialog } from "./key-dialog.js";
import { lifetimeField } from "./lifetime.js";

/** @param {{prefix: string, oncreated: (key: string) => void}} options */
export function openNewKey({ prefix, oncreated }) {
  const id = newId();
  const area = h("textarea", { id, class: "mono", rows: 5, required: true,
    spellcheck: "false", "aria-describedby": `${id}-error` });
  const problem = h("span", { class: "field-error", id: `${id}-error` });
  const value = h("div", { class: "field" }, h("label", { for: id }, t("Value, as JSON")),
    area, problem);
  const lifetime = lifetimeField(false);
  const write = async (/** @type {string} */ key) => {
    const error = check(area.value);
    problem.textContent = error ? errorText(error) : "";
    area.toggleAttribute("aria-invalid", error !== null);
    if (error) {
      area.focus();
      area.setSelectionRange(error.offset, error.offset);
      return false;
    }
    await writeKeys({ data: [[key, area.value.trim()]], conditions: { [key]: null },
      ttls: { [key]: lifetime.seconds() } });
    return oncreated(key);
  };
  openKeyDialog({ title: t("New key"), label: t("Create"), name: prefix, write,
    more: [value, lifetime.element] });
}
