// A dialog for a session that has ended while the page is open: nothing typed is lost.
import { signIn } from "../api/accounts.js";
import { session } from "../api/session.js";
import { t } from "../locale/index.js";
import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";
import { field, form } from "../ui/form.js";

/** @type {Promise<boolean> | null} */
let asking = null;

/** Asks once, however many calls have failed. @returns {Promise<boolean>} */
export function signInAgain() {
  const user = session.user;
  if (user === null) {
    return Promise.resolve(false);
  }
  asking ??= ask(user.username).finally(() => (asking = null));
  return asking;
}

/** @param {string} username @returns {Promise<boolean>} */
function ask(username) {
  return new Promise((resolve) => {
    let done = false;
    const name = field({ label: t("User name"), name: "username", value: username,
      autocomplete: "username", readonly: true });
    const password = field({ label: t("Password"), name: "password", type: "password",
      autocomplete: "current-password", required: true, autofocus: true });
    const body = form({ body: [name.element, password.element], label: t("Sign in"),
      submit: async () => {
        await signIn(username, password.input.value, session.isKept);
        done = true;
        dialog.close();
      } });
    const dialog = openDialog({ title: t("Sign in again"), onclose: () => resolve(done),
      body: [h("p", null, t("Your session has ended. What you have typed is kept.")), body] });
  });
}
