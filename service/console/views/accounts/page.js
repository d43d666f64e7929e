// The page of one account.
import { administer } from "../../api/admin.js";
import { loadUser } from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { go } from "../../app/router.js";
import { t } from "../../locale/index.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { form } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";
import { notify } from "../../ui/notices.js";
import { accountForm, ownWarning } from "./form.js";
import { badges, created } from "./row.js";

/** @param {string} username @param {AbortSignal} signal */
export async function accountPage(username, signal) {
  const query = { username };
  const element = h("div", { class: "view" });
  /** @param {import("../../api/admin.js").Account} account */
  const show = (account) => {
    const { element: edited, keep } = accountForm(account, (changed) => {
      show(changed);
      element.querySelector("button")?.focus();
    });
    const end = async () => {
      const text = [keep.checked ? t("Access tokens stay valid.") : t("Access tokens end too."),
        ownWarning(username)];
      const title = t("End all sessions?");
      if (await confirmDialog({ title, text, action: t("End all sessions"), danger: true })) {
        const json = { keep_access_tokens: keep.checked };
        await administer("POST", "end-tokens", { query, json });
        notify(t("All sessions were ended."), { kind: "success" });
        await (ownWarning(username) && loadUser());
      }
    };
    const remove = async () => {
      const text = [t("The keys that it wrote stay."), ownWarning(username)];
      const action = t("Delete the account");
      const typed = username;
      if (await confirmDialog({ title: action, text, action, danger: true, typed })) {
        await administer("DELETE", "account", { query });
        notify(t("The account was deleted."), { kind: "success" });
        ownWarning(username) ? session.clear() : go("#/admin/accounts");
      }
    };
    fill(element, h("a", { href: "#/admin/accounts" }, icon("back"), t("Accounts")),
      h("div", { class: "toolbar" }, h("h1", null, h("bdi", null, username)), badges(account),
        h("span", { class: "muted end" }, t("Created"), " ", created(account))),
      h("div", { class: "card" }, edited),
      h("div", { class: "card" },
        form({ body: null, label: t("End all sessions"), submit: end })),
      h("div", { class: "card" },
        form({ body: null, label: t("Delete the account"), danger: true, submit: remove })));
  };
  show(await administer("GET", "account", { query, signal }));
  return { element };
}
