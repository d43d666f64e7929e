// What dialogs of the account share.
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";

/**
 * A field for the password, and a hidden one that tells password managers whose it is.
 * @returns {[import("../../ui/form.js").Field, HTMLElement]}
 */
export function currentPassword() {
  return [
    field({ label: t("Your password"), name: "password", type: "password",
      autocomplete: "current-password", required: true }),
    h("input", { name: "username", autocomplete: "username", hidden: true,
      value: session.user?.username })];
}
