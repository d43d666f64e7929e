// A dialog for the name of a key that must not exist yet.
import { keyHref } from "../../../app/router.js";
import { hasCode } from "../../../api/problem.js";
import { t } from "../../../locale/index.js";
import { openDialog } from "../../../ui/dialog.js";
import { h } from "../../../ui/dom.js";
import { field, form } from "../../../ui/form.js";

/**
 * @param {{title: string, label: string, name: string, more?: HTMLElement[],
 *   write: (key: string) => Promise<boolean | void>}} options
 *   `write` requires that the key does not exist; false: the dialog stays
 */
export function openKeyDialog({ title, label, name, more, write }) {
  const key = field({ label: t("Key"), value: name, required: true, autofocus: true,
    autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const submit = async () => {
    const { value } = key.input;
    try {
      if (await write(value) !== false) dialog.close();
    } catch (error) {
      const { conflicts = {} } = /** @type {any} */ (error).members ?? {};
      const exists = Object.hasOwn(conflicts, value) && conflicts[value] !== null;
      if (!exists || !hasCode(error, "condition_failed")) throw error;
      key.setError(t("This key exists."));
      key.element.querySelector(".field-error")?.append(" ",
        h("a", { href: keyHref(value), onclick: () => dialog.close() }, t("Open it")));
      key.input.focus();
    }
  };
  const dialog = openDialog({ title, body: form({ body: [key.element, more], label, submit }) });
  key.input.setSelectionRange(name.length, name.length);
}
