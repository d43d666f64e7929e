// What a part of the page shows while it loads.
import { t } from "../locale/index.js";
import { fill, h } from "./dom.js";

/** A line that says that something is loading. @param {Element} element */
export function showLoading(element) {
  fill(element, h("p", { class: "loading", role: "status" }, t("Loading…")));
}
