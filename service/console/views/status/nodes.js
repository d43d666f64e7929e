// The nodes of a cluster, as its leader sees them.
import { t } from "../../locale/index.js";
import { duration } from "../../text/format.js";
import { h } from "../../ui/dom.js";

/** @param {import("./figures.js").StoreNode[]} nodes */
export function nodes(nodes) {
  const titles = [t("Name"), t("Role"), t("Connection"), t("Lag"), t("Last heard from")];
  return h("section", { class: "card" }, h("h2", null, t("Cluster nodes")),
    nodes.length === 0
      ? h("p", { class: "muted" }, t("The store is a single instance, not a cluster."))
      : h("div", { class: "wide-table" }, h("table", null,
        h("thead", null,
          h("tr", null, titles.map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", null, nodes.map(row)))));
}

/** @param {import("./figures.js").StoreNode} node */
const row = ({ name, role, connected, lag, idle }) => h("tr", null,
  h("th", { scope: "row" }, h("bdi", null, name)),
  h("td", null, role === "leader" ? t("Leader") : t("Follower")),
  h("td", null, h("span", { class: `badge ${connected ? "good" : "bad"}` },
    connected ? t("Connected") : t("Not connected"))),
  h("td", null, lag === null ? "–" : `${Math.round(lag * 1000)} ms`),
  h("td", null, idle === null ? "–" : t("{duration} ago", { duration: duration(idle) })));
