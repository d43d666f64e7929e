// The nodes of a cluster, as its leader sees them.
import { t } from "../../locale/index.js";
import { duration } from "../../text/format.js";
import { fill, h } from "../../ui/dom.js";

/** @typedef {import("../../api/admin.js").State} State */
/** @typedef {import("../../api/admin.js").StoreNode} StoreNode */

/** @returns {{element: HTMLElement, update: (state: State) => void}} */
export function nodes() {
  const content = h("div", { class: "wide-table" });
  let shown = "";
  const update = (/** @type {State} */ { nodes: found }) => {
    const now = JSON.stringify(found);
    if (now !== shown) {
      shown = now;
      fill(content, found.length === 0
        ? h("p", { class: "muted" }, t("The store is a single instance, so there are no other nodes. A cluster of three goes on when one of them fails."))
        : table(found));
    }
  };
  return { element: h("section", { class: "card" },
    h("h2", null, t("Cluster nodes")), content), update };
}

/** @param {StoreNode[]} found */
function table(found) {
  const titles = [t("Name"), t("Role"), t("Connection"), t("Lag"), t("Last heard from")];
  return h("table", null,
    h("thead", null, h("tr", null, titles.map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", null, found.map(row)));
}

/** @param {StoreNode} node */
function row({ name, role, connected, lag, idle }) {
  return h("tr", null,
    h("th", { scope: "row" }, h("bdi", null, name)),
    h("td", null, role === "leader" ? t("Leader") : t("Follower")),
    h("td", null, h("span", { class: connected ? "badge good" : "badge bad" },
      connected ? t("Connected") : t("Not connected"))),
    h("td", null, lag === null ? "–" : seconds(lag)),
    h("td", null, idle === null ? "–" : t("{duration} ago", { duration: seconds(idle) })));
}

/** @param {number} n */
const seconds = (n) => n < 60 ? t("{n} s", { n: n.toFixed(n < 1 ? 3 : 0) }) : duration(n);
