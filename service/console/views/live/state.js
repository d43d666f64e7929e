// The state of the connection in words, and why it has ended.
import { t } from "../../locale.js";
import { describe } from "../../text/problems.js";
import { button, h, icon } from "../../ui/index.js";

/** @param {import("../../api/live.js").State} state */
export function stateBadge(state) {
	const [name, sign = "", text] = {
		connecting: ["wait", "refresh", t("Connecting…", "Подключение…")],
		open: ["good", "play", t("Connected", "Подключено")],
		waiting: ["warn", "warning", t(
			"Disconnected, trying again…", "Нет связи, повторяем…")],
		ended: ["bad", "close", t("Ended", "Остановлено")],
	}[state];
	return h(`span.badge.${name}`, icon(sign), " ", text);
}

/**
 * @param {any} problem @param {() => void} again
 * @param {(revision: string) => string} addressOf from a revision
 */
export function whyEnded(problem, again, addressOf) {
	const n = problem.members?.oldest;
	return h("div.banner",
		problem.code === "not_found" ? t(
			"The change log is disabled.", "Журнал изменений отключён.") : describe(problem),
		n === undefined ? button(t("Try again", "Повторить"), again)
			: h("a", { href: addressOf(n) }, t(
				"Start at revision {n}", "Начать с ревизии {n}", { n })));
}
