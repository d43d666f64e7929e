// Exports the keys below a prefix into a file.
import { Problem, isAbort } from "../../api/problem.js";
import { exportKeys } from "../../api/transfer.js";
import { t } from "../../locale.js";
import { count, size } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { field, h, icon } from "../../ui/index.js";
import { run, showResult } from "./running.js";

/** @param {string} initial @param {AbortSignal} left */
export function exportCard(initial, left) {
	const { element, input } = field({ label: t("Prefix", "Префикс"), value: initial, class: "mono",
		placeholder: t("every key", "все ключи"), autocomplete: "off", spellcheck: "false" });
	const start = async () => {
		const prefix = input.value;
		const name = `kv-${prefix}-${new Date().toISOString().slice(0, 10)}.ndjson`
			.replace(/[^\p{L}\p{N}._]+/gu, "-");
		// where the browser can write piece by piece, the user chooses a file
		const { showSaveFilePicker: choose } = /** @type {any} */ (window);
		const file = choose ? await choose({ suggestedName: name }) : null;
		let sent = "";
		await run(card, left, async (signal, show) => {
			const { last, blob } = await exportKeys({ prefix, file, signal,
				onprogress: (lines, bytes) => {
					sent = size(bytes);
					show(t("Keys: {n}, {size}", "Ключей: {n}, {size}",
						{ n: count(lines - 1), size: sent }));
				} });
			if (blob) {
				save(blob, name);
			}
			if (last.end) {
				showResult(card, "success", t(
					"Exported at revision {revision}. Keys: {n}, {size}",
					"Экспорт на ревизии {revision}. Ключей: {n}, {size}",
					{ revision: last.revision ?? 0, n: count(last.keys ?? 0), size: sent }));
			} else {
				showResult(card, "error", t("The file is incomplete.", "Файл неполон."), " ",
					describe(new Problem(0, last)));
			}
		});
	};
	const onsubmit = (/** @type {Event} */ event) => {
		event.preventDefault();
		start().catch((error) => showResult(card, isAbort(error) ? "info" : "error",
			t("Nothing was saved.", "Ничего не сохранено."), " ", !isAbort(error) && describe(error)));
	};
	const card = h("section.card", h("h2", t("Export", "Экспорт")),
		h("p.muted", t("A file with all keys that you may read, as they are at one moment.",
			"Файл со всеми ключами, которые вы можете читать, на один момент времени.")),
		h("form", { onsubmit }, h("fieldset", element,
			h("div", h("button.primary", icon("download"), t("Export", "Экспорт"))))), h("div.status"));
	return card;
}

/** @param {Blob} blob @param {string} download */
function save(blob, download) {
	const href = URL.createObjectURL(blob);
	h("a", { href, download }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
