// The state of the store, read again while the page is visible.
import { administer } from "../../api/accounts.js";
import { isSessionEnd } from "../../api/problem.js";
import { t } from "../../locale.js";
import { count, size, time } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/index.js";
import { chart, figures, node } from "./figures.js";

/** Milliseconds between two readings. */
const INTERVAL = 2000;

/** @type {View} */
export async function statusView({ signal }) {
	const notice = h("div", { role: "status" });
	const list = h("dl.card");
	const nodes = h("dl");
	const charts = [chart(t("Writes per second", "Записей в секунду"),
		(rate) => count(Math.round(rate))),
	chart(t("Keys", "Ключи"), count), chart(t("Memory", "Память"), size)];
	let [readAt, revision] = [0, 0];

	async function read() {
		const state = await administer("GET", "status", { signal });
		const now = Date.now();
		// a store that was restored has a lower revision
		const written = readAt && Math.max(0, state.revision - revision);
		[written / (now - readAt) * 1000, state.keys, state.memory.used].forEach(
			(value, i) => charts[i]?.add(now, value));
		({ revision } = state);
		readAt = now;
		renew(notice, [state.accepts_writes
			? h("p.notice.success", t("Writes are accepted.", "Запись разрешена."))
			: h("p.notice.error", t("Writes are refused: no space, or no leader.",
				"Запись невозможна: нет места или лидера."))]);
		renew(list, figures(state));
		renew(nodes, state.nodes.map(node));
	}

	async function poll() {
		if (signal.aborted) return;
		try {
			if (!document.hidden) await read();
		} catch (/** @type {any} */ error) {
			renew(notice, [h("p.banner", t("These figures are from {time}.", "Данные на {time}.",
				{ time: time(readAt / 1000) }), " ", describe({ ...error, retryAfter: 0 }))]);
			if (isSessionEnd(error)) return; // the user did not sign in again
		}
		setTimeout(poll, INTERVAL);
	}

	await read();
	setTimeout(poll, INTERVAL);
	return { element: h("div.view.status", h("h1", t("Status", "Состояние")), notice,
		h("div.charts", charts.map(({ element }) => element)), list,
		h("section.card", h("h2", t("Cluster nodes", "Узлы кластера")),
			nodes.firstChild ? nodes : t("This store is not a cluster.",
				"Это не кластер."))) };
}

/** Replaces what differs only: a selection stays, a text is said once. */
function renew(list, items) {
	if (list.childElementCount !== items.length) fill(list, items);
	items.forEach((item, i) => item.isEqualNode(list.children[i])
		|| list.children[i].replaceWith(item));
}
