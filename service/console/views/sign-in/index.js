// The page for signing in and registering.
import { register, signIn } from "../../api/accounts.js";
import { languageSelect } from "../../app/language-select.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { checkbox, field, form } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";

/**
 * Shows the page in place of everything else.
 * @param {{onlanguage: (code: string) => void,
 *   message?: string}} options
 */
export function showSignIn({ onlanguage, message = "" }) {
  const card = h("div", { class: "card" });
  const show = (/** @type {boolean} */ isNew) => {
    fill(card, h("h1", null, isNew ? t("Create an account") : t("Sign in to KV")),
      message && h("p", { class: "notice info", role: "status" }, message),
      isNew ? registerForm() : signInForm(),
      h("p", { class: "other" },
        h("button", { type: "button", class: "link", onclick: () => show(!isNew) },
          isNew ? t("Sign in instead") : t("Create an account"))));
    card.querySelector("input")?.focus();
  };
  document.title = `${t("Sign in")} · KV`;
  fill(document.body, h("main", { class: "sign-in" },
    h("p", { class: "brand" }, icon("key"), "KV"), card, languageSelect(onlanguage)));
  show(false);
}

/** Names and autocomplete values are those that password managers look for. */
function nameField() {
  return field({ label: t("User name"), name: "username", autocomplete: "username",
    required: true, autocapitalize: "none", spellcheck: "false", maxlength: 64 });
}

function signInForm() {
  const name = nameField();
  const password = field({ label: t("Password"), name: "password", type: "password",
    autocomplete: "current-password", required: true });
  const keep = checkbox(t("Stay signed in when this page is reloaded"));
  return form({ body: [name.element, password.element, keep.element], label: t("Sign in"),
    submit: async () => {
      await signIn(name.input.value, password.input.value, keep.input.checked);
    } });
}

function registerForm() {
  const name = nameField();
  const password = field({ label: t("New password"), name: "new-password",
    type: "password", autocomplete: "new-password", required: true });
  const again = field({ label: t("New password again"), name: "new-password-again",
    type: "password", autocomplete: "new-password", required: true });
  return form({ body: [name.element, password.element, again.element],
    label: t("Create the account"),
    submit: async () => {
      if (again.input.value !== password.input.value) {
        return again.setError(t("The passwords differ."));
      }
      await register(name.input.value, password.input.value);
      await signIn(name.input.value, password.input.value, false);
    } });
}
