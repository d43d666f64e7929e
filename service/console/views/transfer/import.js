// Imports a file, and continues where an import has ended.
import { isAbort } from "../../api/problem.js";
import { currentRevision, importFile } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { button, field, h } from "../../ui/index.js";
import { transferCard } from "./card.js";

/** @param {AbortSignal} left */
export function importCard(left) {
	const { element, input } = field({ label: t("File", "Файл"), type: "file", required: true,
		hint: t("It may be compressed (.gz, .zst).", "Можно сжатый (.gz, .zst).") });
	const mode = h("select", Object.entries({
		overwrite: t("Overwrite its value", "Перезаписать значение"),
		create: t("Stop there", "Остановиться"),
		skip: t("Skip it", "Пропустить"),
	}).map(([value, text]) => h("option", { value }, text)));
	/** @type {TransferLine} */
	let last = {};
	/** Changes since this revision are not overwritten. @type {number | null} */
	let since;
	return transferCard({ title: t("Import", "Импорт"), sign: "upload", left,
		text: t("Lines of JSON: an export, or {example}.", "Строки JSON: экспорт или {example}.",
			{ example: '{"key": "a", "value": 1}' }),
		fields: [element, h("label.field",
			h("span", t("If a key exists", "Если ключ уже есть")), mode)],
		work: async (signal, show, continued) => {
			const [file] = /** @type {any} */ (input.files);
			[last, since] = [{}, continued ?? null];
			await file.slice(0, 1).arrayBuffer();
			since ??= await currentRevision();
			last = await importFile({ file, since, signal,
				mode: /** @type {any} */ (mode.value), onprogress: (sent, report) => {
					last = report;
					show(t("{part} of {total}", "{part} из {total}",
						{ part: size(sent), total: size(file.size) })
						+ (report.line ? `. ${numbers(report)}` : ""), sent / file.size);
				} });
			return numbers(last);
		},
		explain: (error, again) => {
			const { line, written_through: through = last.line ?? 0 } = error.members ?? {};
			const from = since ?? last.since;
			return [
				line && h("h3", t("Error in line {line}", "Ошибка в строке {line}",
					{ line: count(line) })),
				h("p", line ? error.detail : isAbort(error) ? t("Cancelled.", "Отменено.")
					: error.name === "NotReadableError" ? t("The file has changed. Choose it again.",
						"Файл изменился. Выберите его ещё раз.") : describe(error)),
				h("p", through > 0 ? t("Written through line {line}.",
					"Записано по строку {line}.", { line: count(through) })
					: error.status >= 400 ? t("Nothing was written.", "Ничего не записано.")
						: t("What was written stays.", "Записанное останется.")),
				from !== undefined && button(t("Continue from here", "Продолжить отсюда"),
					() => void again(from))];
		} });
}

const numbers = ({ written = 0, skipped = 0 }) => t("Lines written: {n}, skipped: {skipped}",
	"Записано строк: {n}, пропущено: {skipped}",
	{ n: count(written), skipped: count(skipped) });
