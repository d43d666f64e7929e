// The page of one account.
import { loadUser } from "../../api/accounts.js";
import { administer } from "../../api/admin.js";
import { session } from "../../api/session.js";
import { go } from "../../app/router.js";
import { t } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { formDialog } from "../../ui/form-dialog.js";
import { icon } from "../../ui/icon.js";
import { notify } from "../../ui/notices.js";
import { accountForm, keepTokens, ownWarning } from "./form.js";
import { badges, created } from "./row.js";

/** @param {string} username @param {AbortSignal} signal */
export async function accountPage(username, signal) {
  const query = { username };
  const isOwn = username === session.user?.username;
  /** Asks the user to sign in again if the session has ended. */
  const check = () => isOwn && loadUser().catch(() => {});

  const endSessions = () => {
    const keep = keepTokens();
    formDialog({ title: t("End all sessions"), danger: true,
      body: [ownWarning(username), keep.element], submit: async () => {
        const json = { keep_access_tokens: keep.input.checked };
        await administer("POST", "end-tokens", { query, json });
        notify(t("All sessions have ended."), { kind: "success" });
        return check;
      } });
  };

  const remove = async () => {
    const action = t("Delete the account");
    if (await confirmDialog({ title: action, action, danger: true, typed: username,
      text: [t("The keys that it wrote stay."), ownWarning(username)] })) {
      try {
        await administer("DELETE", "account", { query });
        notify(t("The account is deleted."), { kind: "success" });
        return isOwn ? session.clear() : go("#/admin/accounts");
      } catch (error) {
        notify(describe(error), { kind: "error" });
      }
    }
  };

  const element = h("div", { class: "view narrow" });
  /** @param {import("../../api/admin.js").Account} account */
  const show = (account) => fill(element,
    h("a", { href: "#/admin/accounts" }, icon("back"), t("Accounts")),
    h("div", { class: "toolbar" }, h("h1", null, h("bdi", null, username)), badges(account),
      h("span", { class: "muted end" }, t("Created"), " ", created(account))),
    h("div", { class: "card" }, accountForm(account, (saved) => {
      show(saved);
      element.querySelector("input")?.focus();
      check();
    })),
    h("div", { class: "card toolbar" },
      h("button", { type: "button", onclick: endSessions }, t("End all sessions")),
      h("button", { type: "button", class: "danger end", onclick: remove },
        t("Delete the account"))));
  show(await administer("GET", "account", { query, signal }));
  return { element };
}
