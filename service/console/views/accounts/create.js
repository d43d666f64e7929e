// The dialog that creates an account.
import { createAccount } from "../../api/admin.js";
import { hasCode } from "../../api/problem.js";
import { t } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { openDialog } from "../../ui/dialog.js";
import { checkbox, field, form } from "../../ui/form.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { notify } from "../../ui/notices.js";

/** @param {(username: string) => void} oncreated */
export function openCreate(oncreated) {
  const name = field({ label: t("User name"), autocomplete: "off", required: true,
    autocapitalize: "none", spellcheck: "false", maxlength: 64, autofocus: true });
  const password = field({ label: t("Password"), type: "password", required: true,
    autocomplete: "new-password" });
  const administrator = checkbox(t("Administrator: manages accounts and sees the status"));
  const editor = grantsEditor([]);
  const defaults = checkbox(t("The grants that new accounts have by default"), true);
  const showEditor = () => (editor.element.hidden = defaults.input.checked);
  defaults.input.addEventListener("change", showEditor);
  showEditor();
  const body = form({ label: t("Create the account"), cancel: () => dialog.close(),
    body: [name.element, password.element, defaults.element, editor.element,
      administrator.element],
    submit: async () => {
      try {
        const { username } = await createAccount({ username: name.input.value,
          password: password.input.value, 
          grants: defaults.input.checked ? undefined : editor.grants(),
          administrator: administrator.input.checked });
        dialog.close();
        notify(t("The account {username} was created.", { username }), { kind: "success" });
        oncreated(username);
      } catch (error) {
        if (!hasCode(error, "user_exists")) {
          throw error;
        }
        name.setError(describe(error));
        name.input.focus();
      }
    } });
  const dialog = openDialog({ title: t("New account"), body });
}
