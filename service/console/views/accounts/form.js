// The form of an account, of a new one or of one that exists.
import { loadUser } from "../../api/accounts.js";
import { administer } from "../../api/admin.js";
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { confirmDialog } from "../../ui/dialog.js";
import { checkbox, field, form } from "../../ui/form.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { notify } from "../../ui/notices.js";

/** @typedef {import("../../api/admin.js").Account} Account */

/** Warns of changes of the own account. @param {string} name */
export const ownWarning = (name) => name === session.user?.username
  && ` ${t("This is your own account: you may lock yourself out.")}`;

/**
 * `keep` says whether access tokens survive the end of the sessions.
 * @param {Account | null} account null: a new one
 * @param {(account: Account) => void} done
 */
export function accountForm(account, done) {
  const name = field({ label: t("User name"), required: true, autocomplete: "off",
    autocapitalize: "none", spellcheck: "false", maxlength: 64, autofocus: true });
  const password = field({ label: account ? t("New password") : t("Password"),
    type: "password", autocomplete: "new-password", required: !account });
  const enabled = checkbox(t("Enabled: may sign in"), !account?.disabled);
  const administrator = checkbox(t("Administrator: manages accounts"),
    account?.administrator);
  const keep = checkbox(t("Keep access tokens when sessions end")).input;
  const defaults = checkbox(t("The default grants of new accounts"), true);
  const editor = grantsEditor(account?.grants ?? []);
  const before = JSON.stringify(editor.grants());
  const isChecked = () => administrator.input.checked;

  async function create() {
    const grants = defaults.input.checked ? undefined : editor.grants();
    const json = { username: name.input.value, password: password.input.value, grants,
      administrator: isChecked() };
    return administer("POST", "accounts", { json });
  }

  /** Sends what has been edited: others may change the rest. @param {Account} old */
  async function change(old) {
    const isSame = JSON.stringify(editor.grants()) === before;
    const disabled = enabled.input.checked === old.disabled ? !old.disabled : undefined;
    const json = { password: password.input.value || undefined, disabled,
      grants: isSame ? undefined : editor.grants(),
      administrator: isChecked() === old.administrator ? undefined : isChecked(),
      keep_access_tokens: keep.checked };
    const warning = ownWarning(old.username);
    if ((disabled || json.password || warning) && !(await confirmDialog({ danger: true,
      title: t("Save the changes?"), action: t("Save"), text: [(disabled || json.password)
        && t("All sessions of the account end."), warning] }))) {
      return null;
    }
    const query = { username: old.username };
    const changed = await administer("PATCH", "account", { query, json });
    if (warning) {
      await loadUser(); // asks to sign in again if the session has ended
    }
    return changed;
  }

  const hideEditor = () => (editor.element.hidden = !account && defaults.input.checked);
  defaults.input.addEventListener("change", hideEditor);
  hideEditor();
  const element = form({ label: account ? t("Save") : t("Create the account"),
    body: [!account && name.element, account && enabled.element, administrator.element,
      password.element, account && keep.parentElement, !account && defaults.element,
      editor.element],
    submit: async () => {
      const saved = await (account ? change(account) : create());
      if (saved) {
        notify(t("The account was saved."), { kind: "success" });
        done(saved);
      }
    } });
  return { element, keep };
}
