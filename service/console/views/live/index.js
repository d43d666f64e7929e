// Live changes of a prefix: #/live?prefix=…&since=…
import { followChanges } from "../../api/live.js";
import { go } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { describe } from "../../text/problems.js";
import { PLAIN, button, field, fill, h } from "../../ui/index.js";
import { changeList } from "./list.js";

/** @type {View} */
export function liveView(context) {
	const { element, filter, add, clear } = changeList();
	const prefix = field({ label: t("Prefix", "Префикс"), ...PLAIN });
	const since = field({ label: t("After revision", "После ревизии"), ...PLAIN,
		placeholder: t("from now on", "с этого момента"),
		inputmode: "numeric", pattern: "[0-9]{1,15}" });
	const status = h("div", { role: "status" });
	const alert = h("div", { role: "alert" });
	let isPaused = false;
	let connection = new AbortController();
	let setPaused;
	const toggle = () => setPaused(!isPaused);
	const pause = button("", toggle);

	const addressOf = (from) =>
		`#/live?${new URLSearchParams({ prefix: prefix.input.value, since: from })}`;
	/** @type {Following["onstate"]} */
	const onstate = (state, problem) => {
		isPaused = state === "paused";
		fill(pause, isPaused ? t("Resume", "Продолжить") : t("Pause", "Пауза"));
		const [kind, text] = {
			connecting: ["wait", t("Connecting…", "Подключение…")],
			open: ["good", t("Connected", "Подключено")],
			waiting: ["warn", t("Disconnected, trying again…", "Нет связи, повторяем…")],
			paused: ["warn", t("Paused", "Пауза")],
			ended: ["bad", t("Ended", "Остановлено")],
		}[state];
		fill(status, h(`span.badge.${kind}`, text));
		const n = problem?.members.oldest;
		fill(alert, problem && h("div.banner", problem.code === "not_found"
			? t("The change log is disabled.", "Журнал изменений отключён.")
			: describe(problem),
		n === undefined ? button(t("Try again", "Повторить"), () => setPaused(false))
			: h("a", { href: addressOf(n) },
				t("Start at revision {n}", "Начать с ревизии {n}", { n }))));
	};
	const update = ({ query }) => {
		connection.abort();
		connection = new AbortController();
		prefix.input.value = query.get("prefix") ?? "";
		since.input.value = query.get("since") ?? "";
		clear();
		setPaused = followChanges({
			prefix: prefix.input.value, since: since.input.value || null,
			signal: AbortSignal.any([context.signal, connection.signal]),
			onchange: add, onstate });
	};
	const onsubmit = (event) => {
		event.preventDefault();
		go(addressOf(since.input.value));
	};
	shortcut("p", t("Pause", "Пауза"), toggle, context.signal);
	update(context);
	return { update, element: h("div.view", h("h1", t("Live changes", "Изменения")),
		h("form.toolbar", { onsubmit }, prefix.element, since.element,
			h("button.primary", t("Follow", "Следить"))),
		h("div.toolbar", filter, status,
			h("div.toolbar.end", pause, button(t("Clear", "Очистить"), clear))),
		alert, element) };
}
