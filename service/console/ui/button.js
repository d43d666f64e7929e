// Buttons that run an action, one run at a time, and report its error.
import { describe } from "../text/problems.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";
import { notify } from "./notices.js";

/**
 * @param {string} label
 * @param {() => unknown} run
 * @param {string} [classes] such as "danger", "quiet", "link"
 * @param {string} [sign] an icon; a quiet button shows it in place of the label
 */
export function button(label, run, classes = "", sign = "") {
  const isSign = sign !== "" && classes.split(" ").includes("quiet");
  const element = h("button", { type: "button", class: classes,
    title: isSign && label, "aria-label": isSign && label,
    onclick: async () => {
      if (!element.hasAttribute("aria-busy")) {
        element.setAttribute("aria-busy", "true");
        await attempt(run);
        element.removeAttribute("aria-busy");
      }
    } }, sign && icon(sign), isSign ? "" : label);
  return element;
}

/**
 * Runs an action, and shows its error as a notice.
 * @param {() => unknown} run
 * @param {string} [done] a notice of success
 */
export async function attempt(run, done) {
  try {
    await run();
    if (done) notify(done, { kind: "success" });
  } catch (/** @type {any} */ error) {
    if (error.name !== "AbortError") notify(describe(error), { kind: "error" });
  }
}
