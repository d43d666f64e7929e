// The head of the list: prefix, list or tree, new key, refresh.
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { button, h } from "../../ui/index.js";

/** Milliseconds after the last key stroke. */
const DEBOUNCE = 250;

/**
 * @param {{signal: AbortSignal, onnew: () => void, onrefresh: () => Promise<void>,
 *   onfocus: () => void, onchange: (prefix: string, isTree: boolean) => void}} options
 */
export function tools({ signal, onnew, onrefresh, onfocus, onchange }) {
	let timer = 0;
	let isTree = false;
	const apply = (/** @type {number} */ delay) => {
		clearTimeout(timer);
		timer = setTimeout(() => onchange(input.value, isTree), delay);
	};
	const input = h("input", { "aria-label": t("Prefix", "Префикс"), placeholder: t(
		"Prefix", "Префикс"),
		autocomplete: "off", spellcheck: "false", autocapitalize: "none",
		oninput: () => apply(DEBOUNCE),
		onkeydown: (/** @type {KeyboardEvent} */ event) => {
			if (event.key === "Escape") {
				input.value = "";
			} else if (event.key === "Enter" || event.key === "ArrowDown") {
				onfocus();
			} else {
				return;
			}
			event.preventDefault();
			apply(0);
		} });
	const modes = [t("List", "Список"), t("Tree", "Дерево")].map((label, i) => button(label, () => {
		isTree = i === 1;
		apply(0);
	}));
	shortcut("/", t("Go to the prefix", "Перейти к префиксу"), () => input.select(), signal);
	shortcut("n", t("New key", "Новый ключ"), onnew, signal);
	signal.addEventListener("abort", () => clearTimeout(timer));
	const element = h("header.keys-tools",
		h("div.toolbar", h("h1", t("Keys", "Ключи")),
			h("div.toolbar.end", button(t("Refresh", "Обновить"), onrefresh, "quiet", "refresh"),
				button(t("New key", "Новый ключ"), onnew, "primary", "add"))),
		h("div.toolbar", input,
			h("div.modes", { role: "group", "aria-label": t("Show as", "Вид") }, modes)));
	const show = (/** @type {import("./place.js").Place} */ place) => {
		isTree = place.isTree;
		modes.forEach((mode, i) => mode.setAttribute("aria-pressed", String(isTree === (i === 1))));
		if (input.value !== place.prefix) input.value = place.prefix;
	};
	return { element, show };
}
