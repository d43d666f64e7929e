// The page for exporting keys into a file, and for importing one.
import { Problem } from "../../api/problem.js";
import { exportKeys } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { PLAIN, field, h } from "../../ui/index.js";
import { transferCard } from "./card.js";
import { importCard } from "./import.js";

/** @type {View} */
export const transferView = ({ query, signal }) => ({ element: h("div.view.transfer",
	h("h1", t("Import and export", "Импорт и экспорт")),
	exportCard(query.get("prefix"), signal), importCard(signal)) });

function exportCard(value, left) {
	const { element, input } = field({ ...PLAIN, label: t("Prefix", "Префикс"), value,
		class: "mono" });
	let isSaved = false;
	return transferCard({ title: t("Export", "Экспорт"), sign: "download", left,
		text: t("All keys that you may read, as they are at one moment.",
			"Все доступные вам ключи на один момент времени."),
		fields: element,
		work: async (signal, show) => {
			isSaved = false;
			const prefix = input.value;
			const name = `${`kv ${prefix}`.trim()}.ndjson`.replace(/[^\p{L}\p{N}._]+/gu, "-");
			// where the browser can write piece by piece, the user chooses a file
			const { showSaveFilePicker: choose } = /** @type {any} */ (window);
			const file = choose ? await choose({ suggestedName: name }) : null;
			let sent = "";
			const words = (n) => t("Keys: {n}, {sent}", "Ключей: {n}, {sent}",
				{ n: count(n), sent });
			const { last, blob } = await exportKeys({ prefix, file, signal,
				onprogress: (lines, bytes) => {
					sent = size(bytes);
					show(words(lines - 1));
				} });
			if (blob) save(blob, name);
			isSaved = true;
			if (!last.end) throw new Problem(0, last);
			return words(last.keys);
		},
		explain: (error, why) => [isSaved ? t("The file is incomplete.", "Файл неполон.")
			: t("Nothing was saved.", "Ничего не сохранено."), " ", why] });
}

function save(blob, download) {
	const href = URL.createObjectURL(blob);
	h("a", { href, download }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
