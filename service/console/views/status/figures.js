// Figures of the store and of the nodes of its cluster, and small charts.
import { t } from "../../locale.js";
import { count, dateTime, duration, size } from "../../text/format.js";
import { fill, h, icon } from "../../ui/index.js";

/** Milliseconds that a chart shows. */
const SPAN = 300_000;

const meter = (label, { limit, bytes }) => [
	t("{part} of {total}", "{part} из {total}", { part: size(bytes), total: size(limit) }),
	" ", h("meter", { "aria-label": label, max: limit, high: limit * 0.85, value: bytes })];

/** @param {any} state the reply of the service */
export function figures({ memory, changes, wal, snapshots, tarantool, ...state }) {
	const [used, log] = [t("Memory", "Память"), t("Change log", "Журнал изменений")];
	return [
		[t("Keys", "Ключи"), count(state.keys)],
		[t("Keys that expire", "Ключи со сроком"), count(state.expiring)],
		[t("Revision", "Ревизия"), count(state.revision)],
		[t("Accounts", "Учётные записи"), count(state.accounts)],
		[used, meter(used, { ...memory, bytes: memory.used })],
		[log, changes.enabled ? meter(log, changes) : t("off", "выключен")],
		["WAL", `${wal.mode}, ${size(wal.bytes)}`],
		[t("Snapshots", "Снимки"), [size(snapshots.bytes),
			snapshots.newest && `, ${dateTime(snapshots.newest)}`]],
		[t("Versions", "Версии"), `${state.version}, Tarantool ${tarantool.version}`],
		[t("Uptime", "Время работы"), duration(tarantool.uptime)],
	].map(([label, value]) => h("div", h("dt", label), h("dd", value)));
}

/** A node of the cluster. @param {any} state */
export const node = ({ name, role, connected, lag }) => h("div",
	h("dt", h("bdi", name)), h("dd",
		role === "leader" ? t("Leader", "Лидер") : t("Follower", "Последователь"), " ",
		h(`span.badge.${connected ? "good" : "bad"}`,
			connected ? t("Connected", "Подключено") : t("Not connected", "Нет связи")),
		lag !== null && t(", lag {n} ms", ", отставание {n} мс", { n: Math.round(lag * 1000) })));

/** A line of the last minutes. @type {kv.chart} */
export function chart(label, format) {
	const svg = icon("");
	svg.setAttribute("viewBox", "0 -3 300 66");
	svg.setAttribute("preserveAspectRatio", "none");
	const says = h("p.muted");
	/** @type {number[][]} */
	let points = [];
	const add = (now, latest) => {
		points = [...points, [now, latest]].filter(([at = 0]) => at > now - SPAN);
		const values = points.map(([, value]) => value);
		const [low, high] = [Math.min(...values), Math.max(...values)];
		fill(says, h("strong", format(latest)), " ", t("5 minutes: {low} to {high}",
			"5 минут: от {low} до {high}", { low: format(low), high: format(high) }));
		svg.firstElementChild?.setAttribute("d", `M${points.map(([at, value]) => [
			300 - (now - at) / SPAN * 300, 60 - (value - low) / (high - low || 1) * 60])}`);
	};
	return { add, element: h("figure.card", h("figcaption", label), says, svg) };
}
