// The dialogs for a change of an account.
import { deleteAccount } from "../../api/admin.js";
import { session } from "../../api/session.js";
import { go } from "../../app/router.js";
import { t } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { confirmDialog, openDialog } from "../../ui/dialog.js";
import { h } from "../../ui/dom.js";
import { form } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";
import { notify } from "../../ui/notices.js";
import { listHref } from "./address.js";

/** @typedef {import("../../ui/dom.js").Child} Child */

/**
 * Asks before a change. An error is shown in the dialog, which stays open.
 * @template T
 * @param {{title: string, text?: string, warning?: string | false, body?: Child,
 *   label: string, danger?: boolean, submit: () => Promise<T>,
 *   done: (result: T) => unknown}} options
 *   `submit` makes the change, `done` is called when the dialog is closed after it
 */
export function ask({ title, text, warning, body, submit, done, label, danger }) {
  const dialog = openDialog({ title, body: form({
    label, danger, cancel: () => dialog.close(),
    body: [text && h("p", null, text), warning && h("p", { class: "banner" },
      icon("warning"), h("span", null, warning)), body],
    submit: async () => {
      const result = await submit();
      dialog.close();
      notify(t("The account was changed."), { kind: "success" });
      await done(result);
    } }) });
}

/** @param {string} username @param {boolean} isOwn */
export async function askDelete(username, isOwn) {
  const warning = isOwn && t("This is your own account: you will be signed out.");
  const confirmed = await confirmDialog({ title: t("Delete the account?"), danger: true,
    action: t("Delete the account"), typed: username,
    text: [t("Its grants, sessions and access tokens go. The keys that it wrote stay."),
      " ", warning] });
  if (!confirmed) {
    return;
  }
  try {
    await deleteAccount(username);
    notify(t("The account {username} was deleted.", { username }), { kind: "success" });
    return isOwn ? session.clear() : go(listHref());
  } catch (error) {
    notify(describe(error), { kind: "error" });
  }
}
