// Edits the text of a value. What is not touched keeps its bytes.
import { guardLeaving } from "../../../app/router.js";
import { shortcut } from "../../../app/shortcuts.js";
import { t } from "../../../locale.js";
import { format } from "../../../text/json-text.js";
import { ExactText } from "../../../text/splice.js";
import { check } from "../../../text/tokenizer.js";
import { button, confirmDialog, fill, h } from "../../../ui/index.js";
import { colour, errorText } from "./text.js";
import { save } from "./save.js";

const PAUSE = 200; // milliseconds without a change, after which a text is checked
const COLOURED = 32_768; // characters: Chromium takes long to lay out more lines

/** @param {import("./index.js").Pane} pane */
export function editor(pane) {
	const { signal } = pane;
	const text = new ExactText(pane.entry.text);
	const isChanged = () => text.exact !== pane.entry.text;
	// a textarea with transparent text, on a coloured copy
	const copy = document.createTextNode("");
	const area = h("textarea", { spellcheck: "false", autocapitalize: "none",
		"aria-label": t("Text", "Текст"), "aria-describedby": "json-check" });
	area.value = text.shown;
	const back = h("pre.value-text", { "aria-hidden": "true" }, copy, "\n");
	const paint = () => {
		const isPlain = area.value.length > COLOURED;
		area.classList.toggle("plain", isPlain);
		copy.data = isPlain ? "" : area.value;
		colour(copy);
	};
	const status = h("span", { id: "json-check", role: "status" });
	let timer = 0;
	const select = () => {
		const { offset = 0 } = check(area.value) ?? {};
		area.focus();
		area.setSelectionRange(offset, offset);
	};
	const verify = () => {
		const error = check(area.value);
		const says = error ? errorText(error) : t("Valid JSON", "JSON верен");
		if (status.textContent !== says) {
			fill(status, error ? button(says, select, "link bad", "warning") : says);
		}
		area.toggleAttribute("aria-invalid", error !== null);
		for (const it of [saving, ...layouts]) it.disabled = error !== null;
		paint();
		return error === null;
	};
	/** @param {string} exact */
	const replace = (exact) => {
		text.replace(exact);
		area.value = text.shown;
		area.setSelectionRange(0, 0);
		area.focus();
		verify();
	};
	/** Layouts: a browser undoes only what is typed. @type {[string, string][]} */
	const done = [];
	const layouts = [false, true].map((isCompact) =>
		button(isCompact ? t("Compact", "Сжать") : t("Format", "Форматировать"), () => {
			if (!verify()) return;
			const before = text.exact;
			replace(format(before, isCompact));
			done.push([before, text.exact]);
		}));
	area.addEventListener("keydown", (event) => {
		const isUndo = (event.ctrlKey || event.metaKey) && /^[zя]$/.test(event.key);
		if (!isUndo || done.at(-1)?.[1] !== text.exact) return;
		event.preventDefault();
		replace(done.pop()?.[0] ?? "");
	});
	area.addEventListener("input", () => {
		text.edit(area.value);
		paint();
		clearTimeout(timer);
		timer = setTimeout(verify, PAUSE);
	});
	const saving = button(t("Save", "Сохранить"), async () => {
		if (!verify()) return;
		if (!isChanged()) return pane.show(pane.entry);
		area.readOnly = true;
		await save(pane, text.exact).finally(() => (area.readOnly = false));
	}, "primary");
	const saveNow = () => verify() && saving.click();
	const mayLeave = async () => !isChanged() || confirmDialog({ danger: true,
		title: t("Discard your changes?", "Отбросить изменения?"), text: "", action: t("Discard", "Отбросить") });
	const cancel = async () => await mayLeave() && pane.show(pane.entry);
	guardLeaving(mayLeave, signal);
	const stay = (/** @type {Event} */ event) => isChanged() && event.preventDefault();
	addEventListener("beforeunload", stay, { signal });
	shortcut("Mod+s", t("Save", "Сохранить"), saveNow, signal);
	shortcut("Mod+enter", t("Save", "Сохранить"), saveNow, signal);
	shortcut("Escape", t("Cancel", "Отмена"), cancel, signal);
	verify();
	return [h("div.toolbar", saving, button(t("Cancel", "Отмена"), cancel), layouts, status),
		h("div.layers", back, area)];
}
