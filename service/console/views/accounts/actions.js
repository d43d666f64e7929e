// What can be done with an account. Each choice says what follows from it.
import { loadUser } from "../../api/accounts.js";
import { changeAccount, endTokens } from "../../api/admin.js";
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { checkbox, field } from "../../ui/form.js";
import { ask, askDelete } from "./dialogs.js";

/** @typedef {import("../../api/admin.js").Account} Account */
/** @typedef {import("../../api/admin.js").Change} Change */

/**
 * @param {Account} account
 * @param {(changed: Account, name: string) => void} onchange has the action's name
 * @returns {HTMLElement[]}
 */
export function actionsOf(account, onchange) {
  const { username, disabled, administrator } = account;
  const isOwn = username === session.user?.username;
  /** @param {string} name @param {() => Change} changes @param {() => unknown} [own] */
  const change = (name, changes, own) => ({
    submit: () => changeAccount(username, changes()),
    done: (/** @type {Account} */ changed) =>
      isOwn && own ? own() : onchange(changed, name),
  });
  const signOut = () => session.clear();
  const signsOut = isOwn && t("This is your own account: you will have to sign in again.");
  const keepTokens = () => checkbox(t("Keep its access tokens"));
  return [
    disabled
      ? choice("state", t("Enable"), t("The account cannot sign in."), () => ask({
        title: t("Enable the account?"), label: t("Enable"),
        text: t("It may sign in again, with its grants."),
        ...change("state", () => ({ disabled: false })) }))
      : choice("state", t("Disable"), t("A disabled account cannot sign in."), () => ask({
        title: t("Disable the account?"), label: t("Disable"), danger: true,
        text: t("Its sessions and access tokens end at once. Its keys stay."),
        warning: isOwn && t("This is your own account: you cannot enable it again yourself."),
        ...change("state", () => ({ disabled: true }), signOut) })),

    administrator
      ? choice("role", t("Remove administrator"), ROLE(), () => ask({
        title: t("Remove the administrator’s rights?"), danger: true,
        label: t("Remove administrator"), text: t("The account keeps its grants."),
        warning: isOwn && t("This is your own account: you cannot undo this yourself."),
        ...change("role", () => ({ administrator: false }), loadUser) }))
      : choice("role", t("Make administrator"), ROLE(), () => ask({
        title: t("Make the account an administrator?"), label: t("Make administrator"),
        text: t("It can then create, change and delete every account, also yours."),
        ...change("role", () => ({ administrator: true })) })),

    choice("password", t("Set a password"),
      t("The account signs in with the new password. Its sessions end."), () => {
        const password = field({ label: t("New password"), type: "password",
          autocomplete: "new-password", required: true, autofocus: true });
        const keep = keepTokens();
        ask({ title: t("Set a password"), label: t("Set the password"), warning: signsOut,
          body: [password.element, keep.element],
          ...change("password", () => ({ password: password.input.value,
            keep_access_tokens: keep.input.checked }), signOut) });
      }),

    choice("sessions", t("End all sessions"),
      t("Everyone who uses the account has to sign in again."), () => {
        const keep = keepTokens();
        ask({ title: t("End all sessions?"), label: t("End all sessions"), danger: true,
          body: keep.element, warning: signsOut,
          submit: () => endTokens(username, keep.input.checked),
          done: () => isOwn && signOut() });
      }),

    choice("delete", t("Delete the account"), t("The keys that it wrote stay."),
      () => askDelete(username, isOwn), "danger"),
  ];
}

const ROLE = () => t("An administrator manages all accounts and sees the status.");

/**
 * @param {string} name @param {string} label @param {string} text
 * @param {() => void} run @param {string} [kind] of the button
 */
function choice(name, label, text, run, kind) {
  return h("li", null, h("p", null, text),
    h("button", { type: "button", "data-action": name, onclick: run, class: kind }, label));
}
