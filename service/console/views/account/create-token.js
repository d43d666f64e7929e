// Creates an access token, and shows it once.
import { createToken } from "../../api/access-tokens.js";
import { t, tn } from "../../locale/index.js";
import { openDialog } from "../../ui/dialog.js";
import { h } from "../../ui/dom.js";
import { checkbox, field } from "../../ui/form.js";
import { formDialog } from "../../ui/form-dialog.js";
import { grantsEditor } from "../../ui/grants-editor.js";
import { button, currentPassword } from "./parts.js";

const DAY = 86_400;

/** @param {() => void} oncreate */
export function createTokenDialog(oncreate) {
  const name = field({ label: t("Name"), hint: t("Which program uses it."),
    required: true, maxlength: 64, autocomplete: "off" });
  const all = checkbox(t("All rights of the account, future ones too"), true);
  const editor = grantsEditor([{ prefix: "", rights: "r" }]);
  editor.element.hidden = true;
  all.input.onchange = () => (editor.element.hidden = all.input.checked);
  const expiry = h("select", null, [7, 30, 90, 365].map((days) =>
    h("option", { value: days * DAY, selected: days === 90 },
      tn("{n} day", "{n} days", days))), h("option", { value: "" }, t("Never")));
  const [password, username] = currentPassword();
  formDialog({ title: t("Create an access token"), label: t("Create"),
    body: [name.element, all.element, editor.element,
      h("label", { class: "field" }, h("span", null, t("Expires after")), expiry),
      username, password.element],
    submit: async () => {
      const token = await createToken({ password: password.input.value,
        name: name.input.value, grants: all.input.checked ? null : editor.grants(),
        expires_in: Number(expiry.value) || null });
      oncreate();
      return () => show(token);
    } });
}

/** @param {string} token */
function show(token) {
  const { element, input } = field({ label: t("Access token"), value: token,
    readonly: true, class: "mono" });
  const copy = button(t("Copy"), async () => {
    await navigator.clipboard.writeText(token);
    copy.textContent = t("Copied");
  });
  openDialog({ title: t("The access token is created"), body: [
    h("p", { class: "banner" }, t("Copy it now: it is not shown again.")), element,
    navigator.clipboard && h("div", { class: "actions" }, copy)] });
  input.select();
}
