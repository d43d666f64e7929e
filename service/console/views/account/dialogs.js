// Dialogs for a new password and for deleting the account.
import { changePassword, deleteAccount } from "../../api/accounts.js";
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { checkbox, field } from "../../ui/form.js";
import { formDialog } from "../../ui/form-dialog.js";
import { notify } from "../../ui/notices.js";
import { currentPassword } from "./parts.js";

/** @param {() => void} onchange */
export function passwordDialog(onchange) {
  const [password, name] = currentPassword();
  const [next, again] = [t("New password"), t("New password again")].map((label) =>
    field({ label, name: "new-password", type: "password", autocomplete: "new-password",
      required: true }));
  const keep = checkbox(t("Keep access tokens"), true);
  formDialog({ title: t("Change the password"),
    body: [name, password.element, next.element, again.element, keep.element],
    submit: async () => {
      if (again.input.value !== next.input.value) {
        throw new Error(t("The passwords differ."));
      }
      await changePassword(password.input.value, next.input.value, keep.input.checked);
      notify(t("The password is changed. Other sessions have ended."), { kind: "success" });
      onchange();
    } });
}

/** @param {string} username */
export function deleteDialog(username) {
  const [password, name] = currentPassword();
  const typed = field({ label: t("Type {text} to confirm", { text: username }),
    autocomplete: "off", spellcheck: "false", required: true });
  formDialog({ title: t("Delete the account"), danger: true,
    body: [h("p", t("Its sessions and access tokens end. The keys that it wrote stay.")),
      name, password.element, typed.element],
    submit: async () => {
      if (typed.input.value !== username) {
        throw new Error(t("This is not your user name."));
      }
      await deleteAccount(password.input.value);
      notify(t("The account is deleted."), { kind: "success" });
    } });
}
