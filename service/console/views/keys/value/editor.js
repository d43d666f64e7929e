// Edits the text of a value. Lines that are not touched keep their bytes.
import { guardLeaving } from "../../../app/router.js";
import { t } from "../../../locale.js";
import { withLineEnds } from "../../../text/diff.js";
import { format } from "../../../text/json-text.js";
import { check } from "../../../text/tokenizer.js";
import { PLAIN, button, confirmDialog, fill, h } from "../../../ui/index.js";
import { save } from "./entry.js";
import { colour, keyButton } from "./text.js";

const PAUSE = 200; // milliseconds without a change, after which a text is checked
const COLOURED = 32_768; // characters: Chromium takes long to lay out more lines

/** The toolbar and the text. @param {Pane} pane */
export function editor(pane) {
	const { entry: { text }, signal } = pane;
	// a textarea with transparent text, on a coloured copy
	const copy = document.createTextNode("");
	const area = h("textarea", { ...PLAIN, "aria-label": t("Text", "Текст"),
		"aria-describedby": "json-check" }, text);
	const status = h("span", { id: "json-check", role: "status" });
	const exact = () => withLineEnds(text, area.value);
	const isChanged = () => exact() !== pane.entry.text;
	const paint = () => {
		const isPlain = area.value.length > COLOURED;
		area.classList.toggle("plain", isPlain);
		copy.data = isPlain ? "" : area.value;
		colour(copy);
	};
	const verify = (jump = false) => {
		const error = check(area.value);
		const says = error?.message ?? t("Valid JSON", "JSON верен");
		if (status.textContent !== says) {
			fill(status, error ? button(says, isValid, "link bad", "warning") : says);
		}
		area.ariaInvalid = String(error !== null);
		if (error && jump) {
			area.focus();
			area.setSelectionRange(error.offset, error.offset);
		}
		return !error;
	};
	const isValid = () => verify(true); // or the caret goes to the error
	let timer = 0;
	area.addEventListener("input", () => {
		paint();
		clearTimeout(timer);
		timer = setTimeout(verify, PAUSE);
	});
	const replace = (changed) => {
		area.value = changed;
		area.setSelectionRange(0, 0);
		area.focus();
		paint();
		verify();
	};
	const done = []; // layouts: a browser undoes only what is typed
	const layout = (label, isCompact) => button(label, () => {
		const before = area.value;
		if (!isValid()) return;
		replace(format(before, isCompact));
		done.push([before, area.value]);
	});
	area.addEventListener("keydown", (event) => {
		const isUndo = (event.ctrlKey || event.metaKey) && /^[zя]$/.test(event.key);
		if (!isUndo || done.at(-1)?.[1] !== area.value) return;
		event.preventDefault();
		replace(done.pop()[0]);
	});
	const submit = async () => {
		if (!isValid()) return;
		if (!isChanged()) return pane.show(pane.entry);
		area.readOnly = true;
		await save(pane, exact()).finally(() => (area.readOnly = false));
	};
	const mayLeave = async () => !isChanged() || confirmDialog({ danger: true, text: "",
		title: t("Discard your changes?", "Отбросить изменения?"),
		action: t("Discard", "Отбросить") });
	const cancel = async () => await mayLeave() && pane.show(pane.entry);
	guardLeaving(mayLeave, signal);
	addEventListener("beforeunload", (event) => isChanged() && event.preventDefault(),
		{ signal });
	paint();
	verify();
	return [h("div.toolbar",
		keyButton("Mod+s", t("Save", "Сохранить"), submit, signal, "primary"),
		keyButton("Escape", t("Cancel", "Отмена"), cancel, signal),
		layout(t("Format", "Форматировать"), false), layout(t("Compact", "Сжать"), true), status),
	h("div.layers", h("pre.value-text", { "aria-hidden": "true" }, copy, "\n"), area)];
}
