// Live changes of a prefix: #/live?prefix=…&since=…
import { followChanges } from "../../api/live.js";
import { go } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { button, field, fill, h, icon } from "../../ui/index.js";
import { KEPT, changeList, rowsOf } from "./list.js";
import { stateBadge, whyEnded } from "./state.js";

/** @param {Context} context */
export function liveView(context) {
	const { signal } = context;
	const list = changeList();
	/** What has arrived while paused. @type {import("./list.js").Row[]} */
	const held = [];
	let [isPaused, wasLost] = [false, false];
	let connection = new AbortController();

	const plain = { autocomplete: "off", autocapitalize: "none", spellcheck: "false" };
	const prefix = field({ label: t("Prefix", "Префикс"), ...plain });
	const since = field({ label: t("After revision", "После ревизии"), placeholder: t(
		"from now on", "с этого момента"),
		inputmode: "numeric", pattern: "[0-9]{1,15}", ...plain });
	const label = t("Filter by key", "Фильтр по ключу");
	const filter = h("input", { type: "search", "aria-label": label, placeholder: label,
		...plain, oninput: () => list.set(undefined, filter.value) });
	const status = h("div.toolbar", { role: "status" });
	const alert = h("div", { role: "alert" });
	const pause = h("button", { type: "button", onclick: () => setPaused(!isPaused) });

	/** Starts again where it has stopped. */
	let resume = () => {};
	/** @param {string} from */
	const addressOf = (from) =>
		`#/live?${new URLSearchParams({ prefix: prefix.input.value, since: from })}`;
	/** @param {number | null} since */
	const follow = (since) => {
		connection.abort();
		connection = new AbortController();
		followChanges({ prefix: prefix.input.value, since,
			signal: AbortSignal.any([signal, connection.signal]),
			onchange(change) {
				resume = () => follow(change.revision);
				if (!isPaused) return list.add(rowsOf(change));
				held.push(...rowsOf(change));
				setPaused(true);
				if (held.length >= KEPT) connection.abort(); // the change log keeps the rest
			},
			onstate(state, problem, revision) {
				resume = () => follow(revision);
				fill(status, stateBadge(state), state === "open" && wasLost
					&& t("Resumed after revision {n}.", "Продолжено после ревизии {n}.",
						{ n: revision ?? 0 }));
				wasLost = state === "waiting" || (wasLost && state === "connecting");
				fill(alert, state === "ended" && whyEnded(problem, () => resume(), addressOf));
			} });
	};
	/** @param {boolean} value */
	const setPaused = (value) => {
		isPaused = value;
		const n = `${held.length}${held.length < KEPT ? "" : "+"}`;
		fill(pause, icon(value ? "play" : "pause"), value ? t(
			"Resume ({n})", "Продолжить ({n})", { n }) : t(
			"Pause", "Пауза"));
		if (value) return;
		list.add(held.splice(0));
		if (connection.signal.aborted) resume();
	};
	const start = ({ query } = context) => {
		prefix.input.value = query.get("prefix") ?? "";
		since.input.value = query.get("since") ?? "";
		setPaused(false);
		list.set([]);
		follow(since.input.value ? Number(since.input.value) : null);
	};
	const onsubmit = (/** @type {Event} */ event) => {
		event.preventDefault();
		go(addressOf(since.input.value));
	};
	shortcut("p", t("Pause", "Пауза"), () => setPaused(!isPaused), signal);
	start();
	return { update: start, element: h("div.view", h("h1", t("Live changes", "Изменения")),
		h("form.toolbar", { onsubmit }, prefix.element, since.element,
			h("button.primary", t("Follow", "Следить"))),
		h("div.toolbar", filter, status, h("div.toolbar.end", pause,
			button(t("Clear", "Очистить"), () => list.set([])))),
		alert, list.element) };
}
