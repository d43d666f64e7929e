// The state of the connection in words.
import { hasCode } from "../../api/problem.js";
import { t } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";

/** @param {import("../../api/live.js").State} state */
export function stateBadge(state) {
  const [names, sign, text] = {
    connecting: ["", "refresh", t("Connecting…")],
    open: ["good", "play", t("Connected")],
    waiting: ["warn", "warning", t("Disconnected, trying again…")],
    ended: ["bad", "close", t("Ended")],
  }[state];
  return h("span", { class: `badge ${names}` }, icon(sign ?? ""), " ", text);
}

/**
 * Why the changes have ended, and how to continue.
 * @param {any} problem @param {() => void} again
 * @param {(since: number) => string} address
 */
export function ended(problem, again, address) {
  const { oldest } = problem.members ?? {};
  return h("div", { class: "banner" }, icon("warning"),
    hasCode(problem, "not_found") ? t("The change log is disabled.") : describe(problem),
    oldest === undefined
      ? h("button", { type: "button", onclick: again }, t("Try again"))
      : [t("It begins at revision {n}.", { n: oldest }),
        h("a", { href: address(oldest) }, t("Start there"))]);
}
