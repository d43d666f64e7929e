// A form that starts a transfer: its progress, Cancel, its result.
import { isAbort } from "../../api/problem.js";
import { guardLeaving } from "../../app/router.js";
import { t } from "../../locale.js";
import { describe } from "../../text/problems.js";
import { button, confirmDialog, fill, h, icon } from "../../ui/index.js";

/** Disables all forms of the page until a transfer ends. @param {Transfer} options */
export function transferCard({ title, sign, text, fields, left, work, explain }) {
	const status = h("div.result");
	const onsubmit = async (event) => {
		event.preventDefault();
		const [cancel, over] = [new AbortController(), new AbortController()];
		const bar = h("progress", { "aria-label": t("Progress", "Прогресс") });
		const said = h("p.muted");
		const stop = button(t("Cancel", "Отмена"), () => cancel.abort());
		fill(status, bar, said, stop);
		disable(true);
		stop.focus();
		guardLeaving(() => confirmDialog({ text: "", danger: true,
			title: t("Stop the transfer?", "Прервать передачу?"),
			action: t("Stop", "Прервать") }), over.signal);
		addEventListener("beforeunload", (event) => event.preventDefault(), over);
		const signal = AbortSignal.any([left, cancel.signal]);
		const result = await work(signal, (words, part) => {
			said.textContent = words;
			if (part !== undefined) bar.value = part;
		}).then((words) => ["success", words], (error) => isAbort(error)
			? ["info", explain(error, t("Cancelled.", "Отменено."))]
			: ["error", explain(error, describe(error))]);
		over.abort();
		disable(false);
		fill(status, h(`div.notice.${result[0]}`, { role: "alert" }, h("div", result[1])));
	};
	return h("section.card", h("h2", title), h("p.muted", text),
		h("form", { onsubmit }, h("fieldset", fields,
			h("div", h("button.primary", icon(sign), title)))), status);
}

const disable = (is) => document.querySelectorAll("fieldset").forEach((each) =>
	(each.disabled = is));
