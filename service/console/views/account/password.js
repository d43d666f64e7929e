// A dialog for a new password.
import { changePassword } from "../../api/accounts.js";
import { t } from "../../locale/index.js";
import { checkbox, field } from "../../ui/form.js";
import { formDialog } from "../../ui/form-dialog.js";
import { notify } from "../../ui/notices.js";
import { currentPassword } from "./parts.js";

/** @param {() => void} onchange */
export function changePasswordDialog(onchange) {
  const [password, name] = currentPassword();
  const newPassword = (/** @type {string} */ label) => field({ label, type: "password",
    name: "new-password", autocomplete: "new-password", required: true });
  const next = newPassword(t("New password"));
  const again = newPassword(t("New password again"));
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
