// The fields of an account.
import { t } from "../../locale/index.js";
import { checkbox, field } from "../../ui/form.js";
import { grantsEditor } from "../../ui/grants-editor.js";

/** @param {import("../../api/admin.js").Account | null} account null: a new one */
export function accountFields(account) {
  const name = field({ label: t("User name"), required: true, autocomplete: "off",
    autocapitalize: "none", spellcheck: "false", maxlength: 64 });
  const password = field({ label: account ? t("New password") : t("Password"),
    type: "password", autocomplete: "new-password", required: !account });
  const enabled = checkbox(t("Enabled: may sign in"), !account?.disabled);
  const administrator = checkbox(t("Administrator: manages accounts"),
    account?.administrator);
  const defaults = checkbox(t("The default grants of new accounts"), !account);
  const editor = grantsEditor(account?.grants ?? []);
  const hide = () => (editor.element.hidden = defaults.input.checked);
  defaults.input.addEventListener("change", hide);
  hide();

  /** @returns {Record<string, any>} */
  const values = () => ({ username: name.input.value, password: password.input.value,
    disabled: !enabled.input.checked, administrator: administrator.input.checked,
    grants: defaults.input.checked ? undefined : editor.grants() });
  const before = values();
  /** The members that have been edited: others may change the rest. */
  const edited = () => Object.fromEntries(Object.entries(values()).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])));
  return { edited, elements: account
    ? [enabled, administrator, password, editor].map(({ element }) => element)
    : [name, password, administrator, defaults, editor].map(({ element }) => element) };
}
