// Views for administrators only: others see why they cannot open them.
import { loadUser } from "../api/accounts.js";
import { session } from "../api/session.js";
import { t } from "../locale/index.js";
import { h } from "../ui/dom.js";

/** @typedef {import("./open-view.js").View} View */

/** @param {View} view @returns {View} */
export function forAdministrators(view) {
  return (context) => session.user?.administrator ? view(context) : { element: refusal() };
}

function refusal() {
  return h("div", { class: "empty", role: "alert" },
    h("h1", null, t("This page is for administrators")),
    h("p", null, t("Your account is not an administrator’s. Another administrator can change that.")),
    h("button", { type: "button", onclick: () => loadUser() }, t("Check again")));
}
