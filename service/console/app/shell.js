// The frame of the page: navigation, language, account, and an outlet for the view.
import { session } from "../api/session.js";
import { t } from "../locale/index.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icon.js";
import { languageSelect } from "./language-select.js";

/** @typedef {{route: string, label: string}} Item */

/** Views in the order of the navigation. @returns {Item[]} */
function items() {
  const all = [
    { route: "keys", label: t("Keys") },
    { route: "live", label: t("Live changes") },
    { route: "transfer", label: t("Import and export") },
    { route: "account", label: t("Account") },
  ];
  const administration = [
    { route: "admin/accounts", label: t("Accounts") },
    { route: "admin/status", label: t("Status") },
  ];
  return session.user?.administrator ? [...all, ...administration] : all;
}

/**
 * Builds the frame.
 * @param {{onlanguage: (code: string) => void, onsignout: () => void}} handlers
 * @returns {{outlet: HTMLElement, setCurrent: (route: string) => void}}
 */
export function buildShell({ onlanguage, onsignout }) {
  const outlet = h("main", { id: "main", tabindex: "-1" });
  const links = items().map(({ route, label }) => h("a", { href: `#/${route}` }, label));
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    outlet.focus();
  };
  fill(document.body,
    h("a", { class: "skip", href: "#main", onclick: skip }, t("Skip to the content")),
    h("header", { class: "shell" },
      h("a", { class: "brand", href: "#/keys" }, icon("key"), "KV"),
      h("nav", { "aria-label": t("Main") }, links),
      h("div", { class: "shell-end" }, languageSelect(onlanguage),
        h("span", { class: "who" }, icon("user"), h("bdi", null, session.user?.username)),
        h("button", { type: "button", onclick: onsignout }, t("Sign out")))),
    outlet);
  const setCurrent = (/** @type {string} */ route) => {
    for (const link of links) {
      const isCurrent = link.getAttribute("href") === `#/${route}`;
      link.toggleAttribute("aria-current", isCurrent);
      if (isCurrent) {
        link.setAttribute("aria-current", "page");
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
        document.title = `${link.textContent} · KV`;
      }
    }
  };
  return { outlet, setCurrent };
}
