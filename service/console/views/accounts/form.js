// The form of an account: of a new one, or of one that exists.
import { administer } from "../../api/admin.js";
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { checkbox, field, form } from "../../ui/form.js";
import { formDialog } from "../../ui/form-dialog.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { notify } from "../../ui/notices.js";

/** @typedef {import("../../api/admin.js").Account} Account */

/** A warning for the own account. @param {string} [username] */
export const ownWarning = (username) => username === session.user?.username
  && h("p", { class: "banner" }, t("This is your own account: you may lock yourself out."));

export const keepTokens = () => checkbox(t("Keep access tokens"));

/**
 * @param {Account | null} account null: a new one
 * @param {(saved: Account) => void} done
 */
export function accountForm(account, done) {
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
  const values = () => ({ password: password.input.value,
    disabled: !enabled.input.checked, administrator: administrator.input.checked,
    grants: defaults.input.checked ? undefined : editor.grants() });
  const before = values();
  /** What has been edited: others may change the rest. */
  const edited = () => Object.fromEntries(Object.entries(values()).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])));

  async function submit() {
    const json = edited();
    const keep = keepTokens();
    const send = async () => {
      const saved = await (account
        ? administer("PATCH", "account", { query: { username: account.username },
          json: { ...json, keep_access_tokens: keep.input.checked } })
        : administer("POST", "accounts", { json: { username: name.input.value, ...json } }));
      notify(t("The account is saved."), { kind: "success" });
      return () => done(saved);
    };
    const endsSessions = account && (json.disabled || json.password);
    const warning = ownWarning(account?.username);
    if (!endsSessions && !warning) {
      return (await send())();
    }
    formDialog({ title: t("Save the changes?"), label: t("Save"), danger: true, submit: send,
      body: [warning, endsSessions && [h("p", null, t("All its sessions end.")),
        keep.element]] });
  }
  return form({ label: account ? t("Save") : t("Create the account"), submit,
    body: [account ? enabled.element : [name.element, password.element],
      administrator.element, account ? password.element : defaults.element,
      editor.element] });
}
