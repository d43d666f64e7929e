// The state of the store, read again while the page is visible.
import { administer } from "../../api/accounts.js";
import { isSessionEnd } from "../../api/problem.js";
import { language, t } from "../../locale.js";
import { count, size, time } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/index.js";
import { chart } from "./chart.js";
import { figures, nodes } from "./figures.js";

/** Milliseconds between two readings. */
const INTERVAL = 2000;

/** @type {View} */
export async function status({ signal }) {
	const writes = h("p", { role: "status" });
	const old = h("p", { class: "banner", role: "status" });
	const parts = h("div", { class: "figures" });
	const rate = (/** @type {number} */ n) =>
		n.toLocaleString(language(), { maximumFractionDigits: 1 });
	const charts = [chart(t("Writes per second", "Записей в секунду"), rate), chart(t("Keys", "Ключи"), count),
		chart(t("Memory", "Память"), size)];
	let readAt = 0;
	let revision = 0;

	async function read() {
		const state = await administer("GET", "status", { signal });
		const now = Date.now();
		// a store that was restored has a lower revision
		const written = readAt && Math.max(0, state.revision - revision);
		const values = [written / (now - readAt) * 1000, state.keys, state.memory.used];
		values.forEach((value, i) => charts[i]?.add(now, value));
		({ revision } = state);
		readAt = now;
		say(old, "");
		say(writes, state.accepts_writes ? t("Writes are accepted.", "Запись разрешена.")
			: t(
				"Writes are refused: the memory or the disk is full, or this node does not lead.",
				"Запись невозможна: память или диск заполнены, или узел не лидер."));
		writes.className = `writes notice ${state.accepts_writes ? "success" : "error"}`;
		renew(parts, h("div", null, figures(state), nodes(state)));
	}

	/** Keeps the last figures. @param {any} error */
	function fail(error) {
		error.retryAfter = null; // it is read again anyway
		const since = t("These figures are from {time}.", "Данные на {time}.",
			{ time: time(readAt / 1000) });
		say(old, `${since} ${describe(error)}`);
	}

	let timer = 0;
	async function poll() {
		try {
			await (document.hidden || read());
		} catch (error) {
			fail(error);
			if (isSessionEnd(error)) {
				return; // the user did not sign in again
			}
		}
		timer = signal.aborted ? 0 : setTimeout(poll, INTERVAL);
	}
	await read();
	timer = setTimeout(poll, INTERVAL);
	signal.addEventListener("abort", () => clearTimeout(timer));
	return { element: h("div", { class: "view" },
		h("div", null, h("h1", null, t("Status", "Состояние")), old), writes,
		h("div", { class: "charts" }, charts.map(({ element }) => element)), parts) };
}

/** Says a text once. @param {Element} region @param {string} text */
function say(region, text) {
	if (region.textContent !== text) {
		region.textContent = text;
	}
}

/**
 * Replaces what differs only: the focus, the scrolling and a selection stay.
 * @param {Element} shown @param {Element} latest
 */
function renew(shown, latest) {
	const next = [...latest.children];
	if (shown.childElementCount !== next.length) {
		return shown.replaceChildren(...latest.childNodes);
	}
	[...shown.children].forEach((old, i) => {
		const part = /** @type {Element} */ (next[i]);
		const hasText = old.childNodes.length !== old.childElementCount;
		return hasText ? old.isEqualNode(part) || old.replaceWith(part) : renew(old, part);
	});
}
