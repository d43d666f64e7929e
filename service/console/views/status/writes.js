// Whether the store accepts writes: what an administrator looks for first.
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";

/** @typedef {import("../../api/admin.js").State} State */

/** @returns {{element: HTMLElement, update: (state: State) => void}} */
export function writes() {
  const element = h("p", { role: "status" });
  /** @type {boolean | null} */
  let shown = null;
  /** @param {State} state */
  const update = ({ accepts_writes: accepts }) => {
    if (accepts !== shown) {
      shown = accepts;
      element.className = `writes ${accepts ? "good" : "bad"}`;
      fill(element, icon(accepts ? "check" : "warning"),
        h("strong", null, accepts ? t("Writes are accepted.") : t("Writes are refused.")),
        !accepts && h("span", null,
          t("The memory or the disk is full, or this node does not lead. Reads and deletions still work.")));
    }
  };
  return { element, update };
}
