// Imports a file.
import { importFile } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { field, h } from "../../ui/index.js";
import { transferCard } from "./card.js";

/** @param {AbortSignal} left */
export function importCard(left) {
	const { element, input } = field({ label: t("File", "Файл"), type: "file", required: true,
		hint: t("It may be .gz or .zst.", "Можно .gz или .zst.") });
	const mode = h("select", Object.entries({
		overwrite: t("Overwrite its value", "Перезаписать значение"),
		create: t("Stop there", "Остановиться"),
		skip: t("Skip it", "Пропустить"),
	}).map(([value, text]) => h("option", { value }, text)));
	/** @type {any} */
	let last = {};
	return transferCard({ title: t("Import", "Импорт"), sign: "upload", left,
		text: t("Lines of JSON: an export, or {example}.", "Строки JSON: экспорт или {example}.",
			{ example: '{"key": "a", "value": 1}' }),
		fields: [element, h("label.field",
			h("span", t("If a key exists", "Если ключ уже есть")), mode)],
		work: async (signal, show) => {
			const [file] = /** @type {any} */ (input.files);
			last = {};
			// fails if it has changed: an upload would not say so
			await file.slice(0, 1).arrayBuffer();
			return numbers(await importFile({ file, mode: mode.value, signal,
				onprogress: (sent, report) => {
					last = report;
					show(t("{part} of {total}", "{part} из {total}",
						{ part: size(sent), total: size(file.size) })
						+ (report.line ? `. ${numbers(report)}` : ""), sent / file.size);
				} }));
		},
		explain: (error, why) => {
			const { line, written_through: through = last.line ?? 0 } = error.members ?? {};
			return [
				line && h("h3", t("Error in line {line}", "Ошибка в строке {line}",
					{ line: count(line) })),
				h("p", error.name === "NotReadableError" ? t("The file has changed. Choose it again.",
					"Файл изменился. Выберите его ещё раз.") : line ? error.detail : why),
				h("p", through > 0 ? t("Written through line {line}.",
					"Записано по строку {line}.", { line: count(through) })
					: error.status >= 400 ? t("Nothing was written.", "Ничего не записано.")
						: t("What was written stays.", "Записанное останется."))];
		} });
}

const numbers = ({ written = 0, skipped = 0 }) => t("Lines written: {n}, skipped: {skipped}",
	"Записано строк: {n}, пропущено: {skipped}",
	{ n: count(written), skipped: count(skipped) });
