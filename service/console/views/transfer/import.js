// Imports a file, and continues where an import has ended.
import { isAbort } from "../../api/problem.js";
import { currentRevision, importFile } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { button, field, h, icon } from "../../ui/index.js";
import { run, showResult } from "./running.js";

/** @typedef {import("../../api/transfer.js").Line} Line */

/** @param {AbortSignal} left */
export function importCard(left) {
	const { element, input } = field({ label: t("File", "Файл"), type: "file", required: true,
		hint: t("Choose it or drop it on this page. It may be compressed (.gz, .zst).",
			"Выберите файл или перетащите его на страницу. Можно сжатый (.gz, .zst).") });
	const modes = Object.entries({
		overwrite: t("Overwrite: keys that exist get the values of the file",
			"Перезапись: ключи, которые уже есть, получат значения из файла"),
		create: t("Create: stop at the first key that exists",
			"Создание: остановиться на первом ключе, который уже есть"),
		skip: t("Skip: keys that exist stay as they are",
			"Пропуск: ключи, которые уже есть, не изменятся"),
	}).map(([value, text], n) => h("label.check",
		h("input", { type: "radio", name: "mode", value, checked: n === 0 }), text));
	/** @param {number | null} [since] of an import that is continued */
	const start = async (since) => {
		const file = input.files?.[0];
		if (!file) {
			return input.focus();
		}
		const mode = /** @type {any} */ (new FormData(form).get("mode"));
		/** @type {Line} */
		let last = {};
		try {
			await run(card, left, async (signal, show) => {
				await file.slice(0, 1).arrayBuffer();
				const revision = await currentRevision();
				since ??= revision;
				const onprogress = (/** @type {number} */ sent, /** @type {Line} */ report) => {
					last = report;
					show(t("{sent} of {total}", "{sent} из {total}",
						{ sent: size(sent), total: size(file.size) })
						+ (report.line ? `. ${numbers(report)}` : ""), sent / file.size);
				};
				last = await importFile({ file, mode, since, signal, onprogress });
			});
			showResult(card, "success", numbers(last));
		} catch (error) {
			showFailure(error, last, since ?? last.since);
		}
	};
	/** @param {any} error @param {Line} last @param {number} [since] */
	const showFailure = (error, last, since) => {
		const { line, written_through: through = last.line ?? 0 } = error.members ?? {};
		showResult(card, isAbort(error) ? "info" : "error",
			line && h("h3", t(
				"Error in line {line}", "Ошибка в строке {line}", { line: count(line) })),
			h("p", line ? error.detail : isAbort(error) ? t("Cancelled.", "Отменено.")
				: error.name === "NotReadableError" ? t(
					"The file has changed. Choose it again.",
					"Файл изменился. Выберите его ещё раз.")
					: describe(error)),
			h("p", through > 0 ? t(
				"Written through line {line}.", "Записано по строку {line}.",
				{ line: count(through) })
				: error.status >= 400 ? t("Nothing was written.", "Ничего не записано.") : t(
					"What was written stays.", "Записанное останется.")),
			since !== undefined && [
				h("p.muted", t("Choose the file again if you have corrected it.",
					"Если файл исправлен, выберите его ещё раз.")),
				button(t("Continue from here", "Продолжить отсюда"), () => void start(since))]);
	};
	const form = h("form", { onsubmit: (/** @type {Event} */ event) => {
		event.preventDefault();
		start();
	} }, h("fieldset", element,
		h("fieldset", h("legend", t("If a key exists", "Если ключ уже есть")), modes),
		h("div", h("button.primary", icon("upload"), t("Import", "Импорт")))));
	const card = h("section.card", h("h2", t("Import", "Импорт")),
		h("p.muted", t(
			"Lines of JSON: an export, or {example}.", "Строки JSON: экспорт или "
			+ "{example}.",
			{ example: '{"key": "a", "value": 1}' })), form, h("div.status"));
	addEventListener("dragover", (event) => event.preventDefault(), { signal: left });
	addEventListener("drop", (event) => {
		event.preventDefault();
		input.files = event.dataTransfer?.files ?? null;
	}, { signal: left });
	return card;
}

/** @param {Line} report */
const numbers = ({ written = 0, skipped = 0 }) =>
	t("Lines written: {n}, skipped: {skipped}",
		"Записано строк: {n}, пропущено: {skipped}",
		{ n: count(written), skipped: count(skipped) });
