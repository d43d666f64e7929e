// The figures of the store.
import { t, tn } from "../../locale/index.js";
import { count, duration, size } from "../../text/format.js";
import { h } from "../../ui/dom.js";

/**
 * @typedef {{files: number, bytes: number}} Files
 * @typedef {{name: string, role: string, connected: boolean, lag: number | null,
 *   idle: number | null}} StoreNode
 * @typedef {{version: string, tarantool: {version: string, uptime: number},
 *   keys: number, expiring: number, revision: number, accounts: number,
 *   accepts_writes: boolean, memory: {used: number, limit: number},
 *   changes: {enabled: boolean, oldest: number, bytes: number, limit: number},
 *   idempotency: {records: number}, wal: Files & {mode: string},
 *   snapshots: Files & {newest: number | null}, nodes: StoreNode[]}} State
 */

/** @param {Files} found */
const files = ({ files: n, bytes }) => `${tn("{n} file", "{n} files", n)}, ${size(bytes)}`;

/** @param {string} label @param {number} used @param {number} limit */
const meter = (label, used, limit) => [
  t("{used} of {limit}", { used: size(used), limit: size(limit) }), " ",
  h("meter", { "aria-label": label, max: limit, high: limit * 0.85, value: used })];

/** @param {State} state */
export function figures({ memory, changes, wal, snapshots, tarantool, ...state }) {
  const age = Date.now() / 1000 - (snapshots.newest ?? 0);
  /** @type {[string, import("../../ui/dom.js").Child][]} */
  const rows = [
    [t("Keys"), count(state.keys)],
    [t("Keys that expire"), count(state.expiring)],
    [t("Revision"), count(state.revision)],
    [t("Accounts"), count(state.accounts)],
    [t("Idempotency records"), count(state.idempotency.records)],
    [t("Memory"), meter(t("Memory"), memory.used, memory.limit)],
    [t("Change log"), changes.enabled
      ? meter(t("Change log"), changes.bytes, changes.limit) : t("off")],
    [t("Oldest revision in it"), count(changes.oldest)],
    [t("Write-ahead log"), `${wal.mode}, ${files(wal)}`],
    [t("Snapshots"), files(snapshots)],
    [t("Last snapshot"), snapshots.newest === null ? t("none")
      : t("{duration} ago", { duration: duration(age) })],
    [t("Versions"), `${state.version}, Tarantool ${tarantool.version}`],
    [t("Uptime"), duration(tarantool.uptime)],
  ];
  return h("dl", { class: "card" },
    rows.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));
}
