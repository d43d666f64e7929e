// The page for exporting keys into a file, and for importing one.
import { Problem } from "../../api/problem.js";
import { exportKeys, importFile } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { PLAIN, field, h, saveFile } from "../../ui/index.js";
import { transferCard } from "./card.js";

/** @type {View} */
export const transferView = ({ query, signal }) => ({ element: h("div.view.transfer",
	h("h1", t("Import and export", "Импорт и экспорт")),
	exportCard(query.get("prefix"), signal), importCard(signal)) });

function exportCard(value, left) {
	const { element, input } = field({ ...PLAIN, label: t("Prefix", "Префикс"), value,
		class: "mono" });
	return transferCard({ title: t("Export", "Экспорт"), sign: "download", left,
		text: t("All keys that you may read, as they are at one moment.",
			"Все доступные вам ключи на один момент времени."),
		fields: element,
		work: async (signal, show) => {
			const prefix = input.value;
			const name = `${`kv ${prefix}`.trim()}.ndjson`.replace(/[^\p{L}\p{N}._]+/gu, "-");
			// where the browser can write piece by piece, the user chooses a file
			const { showSaveFilePicker: choose } = /** @type {any} */ (window);
			const file = choose ? await choose({ suggestedName: name }) : null;
			let sent = 0;
			const words = (n) => t("Keys: {n}, {sent}", "Ключей: {n}, {sent}",
				{ n: count(n), sent: size(sent) });
			const { last, blob } = await exportKeys({ prefix, file, signal,
				onprogress: (lines, bytes) => {
					sent = bytes;
					show(words(lines - 1));
				} });
			if (blob) saveFile(blob, name);
			if (!last.end) throw new Problem(0, { ...last, isSaved: true });
			return words(last.keys);
		},
		explain: ({ members }, why) => [members?.isSaved
			? t("The file is incomplete.", "Файл неполон.")
			: t("Nothing was saved.", "Ничего не сохранено."), " ", why] });
}

function importCard(left) {
	const { element, input } = field({ label: t("File", "Файл"), type: "file", required: true,
		hint: t("It may be .gz or .zst.", "Можно .gz или .zst.") });
	const mode = h("select", Object.entries({
		overwrite: t("Overwrite its value", "Перезаписать значение"),
		create: t("Stop there", "Остановиться"),
		skip: t("Skip it", "Пропустить"),
	}).map(([value, text]) => h("option", { value }, text)));
	/** @type {TransferLine} */
	let last = {};
	return transferCard({ title: t("Import", "Импорт"), sign: "upload", left,
		text: t('Lines of JSON: an export, or {"key": "a", "value": 1}.',
			'Строки JSON: экспорт или {"key": "a", "value": 1}.'),
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
						+ (report.line ? `. ${numbers(report)}` : ""), sent / (file.size || 1));
				} }));
		},
		explain: ({ status, detail, members = {} }, why) => {
			const { line, written_through: through = last.line ?? 0 } = members;
			return [
				line > 0 && h("h3", t("Error in line {line}", "Ошибка в строке {line}",
					{ line: count(line) })),
				h("p", line ? detail : why),
				h("p", through > 0 ? t("Written through line {line}.",
					"Записано по строку {line}.", { line: count(through) })
					: status >= 400 ? t("Nothing was written.", "Ничего не записано.")
						: t("What was written stays.", "Записанное останется."))];
		} });
}

const numbers = ({ written = 0, skipped = 0 }) => t("Lines written: {n}, skipped: {skipped}",
	"Записано строк: {n}, пропущено: {skipped}",
	{ n: count(written), skipped: count(skipped) });
