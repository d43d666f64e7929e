// Opens a view in its outlet, and shows why it could not be opened.
import { isAbort } from "../api/problem.js";
import { t } from "../locale/index.js";
import { describe } from "../text/problems.js";
import { fill, h } from "../ui/dom.js";
import { showLoading } from "../ui/loading.js";

/**
 * `signal` is aborted when the view is left: give it to calls, listeners and timers.
 * @typedef {{path: string, query: URLSearchParams, signal: AbortSignal}} Context
 * `update` is called instead of the view when only the rest of its address changes.
 * @typedef {{element: HTMLElement, update?: (context: Context) => void}} Shown
 * @typedef {(context: Context) => Promise<Shown> | Shown} View
 */

/** @typedef {{view: View, shown: Shown | null}} Opened */

/**
 * @param {Opened} opened
 * @param {Context} context
 * @param {HTMLElement} outlet
 * @param {() => void} again opens it once more
 */
export async function openView(opened, context, outlet, again) {
  showLoading(outlet);
  try {
    opened.shown = await opened.view(context);
    if (!context.signal.aborted) {
      fill(outlet, opened.shown.element);
    }
  } catch (error) {
    if (!isAbort(error) && !context.signal.aborted) {
      fill(outlet, h("div", { class: "empty", role: "alert" },
        h("h1", null, t("This page could not be loaded")),
        h("p", null, describe(error)),
        h("button", { type: "button", onclick: again }, t("Try again"))));
    }
  }
}
