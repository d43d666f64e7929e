// The figures of the store, and the nodes of its cluster.
import { t, tn } from "../../locale.js";
import { count, duration, size } from "../../text/format.js";
import { h } from "../../ui/index.js";

/** @typedef {Record<string, any>} State the reply of the service */

/** @param {{files: number, bytes: number}} found */
const files = ({ files: n, bytes }) => `${tn(
	n, ["{n} file", "{n} files"], ["{n} файл", "{n} файла", "{n} файлов"])}, ${size(bytes)}`;

/** @param {string} label @param {{limit: number, bytes: number}} part */
const meter = (label, { bytes, limit }) => [
	t("{sent} of {total}", "{sent} из {total}", { sent: size(bytes), total: size(limit) }), " ",
	h("meter", { "aria-label": label, max: limit, high: limit * 0.85, value: bytes })];

/** @param {number} seconds */
const ago = (seconds) => t(
	"{duration} ago", "{duration} назад", { duration: duration(seconds) });

/** @param {State} state */
export function figures({ memory, changes, wal, snapshots, tarantool, ...state }) {
	/** @type {[string, Child][]} */
	const rows = [
		[t("Keys", "Ключи"), count(state.keys)],
		[t("Keys that expire", "Ключи со сроком"), count(state.expiring)],
		[t("Revision", "Ревизия"), count(state.revision)],
		[t("Accounts", "Учётные записи"), count(state.accounts)],
		[t("Idempotency records", "Записи идемпотентности"), count(state.idempotency.records)],
		[t("Memory", "Память"), meter(t("Memory", "Память"), { ...memory, bytes: memory.used })],
		[t("Change log", "Журнал изменений"), changes.enabled ? meter(t("Change log", "Журнал изменений"), changes) : t(
			"off", "выключен")],
		[t("Change log since revision", "Журнал с ревизии"), count(changes.oldest)],
		[t("Write-ahead log", "Журнал WAL"), `${wal.mode}, ${files(wal)}`],
		[t("Snapshots", "Снимки"), files(snapshots)],
		[t("Last snapshot", "Последний снимок"), snapshots.newest === null ? t("none", "нет")
			: ago(Date.now() / 1000 - snapshots.newest)],
		[t("Versions", "Версии"), `${state.version}, Tarantool ${tarantool.version}`],
		[t("Uptime", "Время работы"), duration(tarantool.uptime)],
	];
	return h("dl", { class: "card" },
		rows.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));
}

/** @param {State} state its nodes are those that the leader sees */
export function nodes({ nodes: found }) {
	const titles = [t("Name", "Имя"), t("Role", "Роль"), t("Connection", "Связь"), t("Lag", "Отставание"), t(
		"Last heard from", "Последний отклик")];
	return h("section", { class: "card" }, h("h2", null, t(
		"Cluster nodes", "Узлы кластера")),
		found.length === 0 ? t("The store is a single instance, not a cluster.",
			"Хранилище — один экземпляр, не кластер.")
			: h("div", { class: "wide-table", tabindex: 0 }, h("table", null,
				h("tr", null, titles.map((title) => h("th", { scope: "col" }, title))),
				found.map(node))));
}

/** @param {State} state of a node */
const node = ({ name, role, connected, lag, idle }) => h("tr", null,
	h("th", { scope: "row" }, h("bdi", null, name)),
	h("td", null, role === "leader" ? t("Leader", "Лидер") : t("Follower", "Последователь")),
	h("td", null, h("span", { class: `badge ${connected ? "good" : "bad"}` },
		connected ? t("Connected", "Подключено") : t("Not connected", "Нет"))),
	h("td", null, lag === null ? "–" : t(
		"{n} ms", "{n} мс", { n: Math.round(lag * 1000) })),
	h("td", null, idle === null ? "–" : ago(idle)));
