// Short messages in a corner, and a live region for screen readers.
import { t } from "../locale/index.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";

/** Milliseconds. Errors and notices with an action stay until they are closed. */
const SHOWN_FOR = 5000;

const region = h("div", { class: "visually-hidden", role: "status" });
const stack = h("div", { class: "notices" });

/** The elements of this module, to be put into the page once. */
export const noticeElements = [region, stack];

/** Has a screen reader say a text. @param {string} text */
export function announce(text) {
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}

/**
 * Shows a message.
 * @param {string} text
 * @param {{kind?: "success" | "error" | "info",
 *   action?: {label: string, run: () => void}}} [options]
 */
export function notify(text, { kind = "info", action } = {}) {
  const close = () => notice.remove();
  const act = () => {
    close();
    action?.run();
  };
  const notice = h("div", { class: `notice ${kind}`, role: kind === "error" && "alert" },
    h("p", null, text),
    action && h("button", { type: "button", class: "link", onclick: act }, action.label),
    h("button", { type: "button", class: "quiet", "aria-label": t("Close"), onclick: close },
      icon("close")));
  for (const same of [...stack.children].filter((other) =>
    other.textContent === notice.textContent)) {
    same.remove();
  }
  stack.append(notice);
  if (kind !== "error") {
    announce(text);
  }
  if (kind !== "error" && !action) {
    setTimeout(close, SHOWN_FOR);
  }
}
