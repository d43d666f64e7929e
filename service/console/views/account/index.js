// The own account: its rights, its access tokens, its password, its sessions.
import { deleteAccount, loadUser, signOutEverywhere } from "../../api/accounts.js";
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { confirmDialog } from "../../ui/dialog.js";
import { h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";
import { formDialog } from "../../ui/form-dialog.js";
import { notify } from "../../ui/notices.js";
import { attempt, button, currentPassword } from "./parts.js";
import { changePasswordDialog } from "./password.js";
import { tokensCard } from "./tokens.js";

/** @type {import("../../app/router.js").View} */
export async function accountView({ signal }) {
  await loadUser(signal);
  const { username, administrator, created_at: created, grants } = session.user
    ?? /** @type {import("../../api/session.js").User} */ ({});
  const tokens = await tokensCard(signal);
  return { element: h("div", { class: "view account" },
    h("h1", null, t("Account")),
    h("section", { class: "card" },
      h("div", { class: "toolbar" }, h("h2", null, h("bdi", null, username)),
        administrator && h("span", { class: "badge good" }, t("Administrator"))),
      h("p", { class: "muted" }, t("Created {time}", { time: dateTime(created) })),
      h("ul", null, grantsInWords(grants).map((words) => h("li", null, words)))),
    tokens.element,
    h("section", { class: "card" },
      h("h2", null, t("Password and sessions")),
      h("div", { class: "toolbar" },
        button(t("Change the password"), () => changePasswordDialog(tokens.reload)),
        button(t("Sign out everywhere"), endSessions),
        button(t("Delete the account"), () => deleteDialog(username), "danger")))) };
}

async function endSessions() {
  const action = t("Sign out everywhere");
  if (await confirmDialog({ title: action, action, danger: true,
    text: t("All sessions of this account end. Access tokens stay valid.") })) {
    await attempt(signOutEverywhere, t("All sessions have ended."));
  }
}

/** @param {string} username */
function deleteDialog(username) {
  const [password, name] = currentPassword();
  const typed = field({ label: t("Type {text} to confirm", { text: username }),
    autocomplete: "off", spellcheck: "false", required: true });
  formDialog({ title: t("Delete the account"), danger: true,
    body: [h("p", null, t("Its sessions and access tokens end. The keys that it wrote "
      + "belong to the store and stay.")), name, password.element, typed.element],
    submit: async () => {
      if (typed.input.value !== username) {
        throw new Error(t("This is not your user name."));
      }
      await deleteAccount(password.input.value);
      notify(t("The account is deleted."), { kind: "success" });
    } });
}
