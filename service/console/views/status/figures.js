// The figures of the store, and the nodes of its cluster.
import { t, tn } from "../../locale/index.js";
import { count, duration, size } from "../../text/format.js";
import { h } from "../../ui/dom.js";

/** @typedef {Record<string, any>} State the reply of the service */

/** @param {{files: number, bytes: number}} found */
const files = ({ files: n, bytes }) => `${tn("{n} file", "{n} files", n)}, ${size(bytes)}`;

/** @param {string} label @param {{limit: number, bytes: number}} part */
const meter = (label, { bytes, limit }) => [
  t("{sent} of {total}", { sent: size(bytes), total: size(limit) }), " ",
  h("meter", { "aria-label": label, max: limit, high: limit * 0.85, value: bytes })];

/** @param {number} seconds */
const ago = (seconds) => t("{duration} ago", { duration: duration(seconds) });

/** @param {State} state */
export function figures({ memory, changes, wal, snapshots, tarantool, ...state }) {
  /** @type {[string, import("../../ui/dom.js").Child][]} */
  const rows = [
    [t("Keys"), count(state.keys)],
    [t("Keys that expire"), count(state.expiring)],
    [t("Revision"), count(state.revision)],
    [t("Accounts"), count(state.accounts)],
    [t("Idempotency records"), count(state.idempotency.records)],
    [t("Memory"), meter(t("Memory"), { ...memory, bytes: memory.used })],
    [t("Change log"), changes.enabled ? meter(t("Change log"), changes) : t("off")],
    [t("Change log since revision"), count(changes.oldest)],
    [t("Write-ahead log"), `${wal.mode}, ${files(wal)}`],
    [t("Snapshots"), files(snapshots)],
    [t("Last snapshot"), snapshots.newest === null ? t("none")
      : ago(Date.now() / 1000 - snapshots.newest)],
    [t("Versions"), `${state.version}, Tarantool ${tarantool.version}`],
    [t("Uptime"), duration(tarantool.uptime)],
  ];
  return h("dl", { class: "card" },
    rows.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));
}

/** @param {State} state its nodes are those that the leader sees */
export function nodes({ nodes: found }) {
  const titles = [t("Name"), t("Role"), t("Connection"), t("Lag"), t("Last heard from")];
  return h("section", { class: "card" }, h("h2", null, t("Cluster nodes")),
    found.length === 0 ? t("The store is a single instance, not a cluster.")
      : h("div", { class: "wide-table", tabindex: 0 }, h("table", null,
        h("tr", null, titles.map((title) => h("th", { scope: "col" }, title))),
        found.map(node))));
}

/** @param {State} state of a node */
const node = ({ name, role, connected, lag, idle }) => h("tr", null,
  h("th", { scope: "row" }, h("bdi", null, name)),
  h("td", null, role === "leader" ? t("Leader") : t("Follower")),
  h("td", null, h("span", { class: `badge ${connected ? "good" : "bad"}` },
    connected ? t("Connected") : t("Not connected"))),
  h("td", null, lag === null ? "–" : t("{n} ms", { n: Math.round(lag * 1000) })),
  h("td", null, idle === null ? "–" : ago(idle)));
