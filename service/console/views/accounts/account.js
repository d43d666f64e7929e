// One account: its state, its grants, and what can be done with it.
import { changeAccount, readAccount } from "../../api/admin.js";
import { hasCode } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { form } from "../../ui/form.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { icon } from "../../ui/icon.js";
import { notify } from "../../ui/notices.js";
import { actionsOf } from "./actions.js";
import { listHref } from "./address.js";
import { badges, created } from "./row.js";

/** @typedef {import("../../api/admin.js").Account} Account */

/** @param {string} path the encoded name @param {AbortSignal} signal */
export async function accountPage(path, signal) {
  const element = h("div", { class: "view" });
  try {
    const account = await readAccount(decodeURIComponent(path), signal);
    show(element, account);
    document.title = `${account.username} · KV`;
  } catch (error) {
    if (!hasCode(error, "not_found") && !(error instanceof URIError)) {
      throw error;
    }
    fill(element, back(), h("div", { class: "empty", role: "alert" },
      h("h1", null, t("There is no such account")),
      h("p", null, t("It was deleted, or its name is spelled differently."))));
  }
  return { element };
}

function back() {
  return h("a", { class: "back", href: listHref() }, icon("back"), t("All accounts"));
}

/** @param {HTMLElement} element @param {Account} account */
function show(element, account) {
  const { username } = account;
  const actions = actionsOf(account, (changed, name) => {
    show(element, changed);
    /** @type {HTMLElement | null} */
    const button = element.querySelector(`[data-action="${name}"]`);
    button?.focus();
  });
  fill(element, back(),
    h("div", { class: "toolbar" }, h("h1", null, h("bdi", null, username)), badges(account),
      h("span", { class: "muted end" }, t("Created"), " ", created(account))),
    username === session.user?.username && h("p", { class: "banner" }, icon("warning"),
      t("This is your own account.")),
    h("section", { class: "card" }, grantsForm(account)),
    h("section", { class: "card" },
      h("h2", null, t("Access")), h("ul", { class: "choices" }, actions)));
}

/** @param {Account} account */
function grantsForm({ username, grants }) {
  const editor = grantsEditor(grants);
  return form({ body: editor.element, label: t("Save the grants"), submit: async () => {
    const changed = await changeAccount(username, { grants: editor.grants() });
    if (session.user?.username === username) {
      session.user.grants = changed.grants;
    }
    notify(t("The grants were saved. They apply from the next call."), { kind: "success" });
  } });
}
