// The head: prefix, list or tree, new key, refresh.
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { PLAIN, button, h } from "../../ui/index.js";

/** `onchange` gets a prefix, and whether it is a tree. */
export function tools({ signal, onnew, onrefresh, onfocus, onchange }) {
	let timer = 0;
	let isTree = false;
	const apply = () => signal.aborted || onchange(input.value, isTree);
	const oninput = () => {
		clearTimeout(timer);
		timer = setTimeout(apply, 250);
	};
	const onkeydown = (event) => {
		if (!["Escape", "Enter", "ArrowDown"].includes(event.key)) return;
		event.preventDefault();
		if (event.key === "Escape") input.value = "";
		apply();
		if (event.key !== "Escape") onfocus();
	};
	const label = t("Prefix", "Префикс");
	const input = h("input.mono", { ...PLAIN, "aria-label": label, placeholder: label,
		onkeydown, oninput });
	const tree = button(t("Tree", "Дерево"), () => onchange(input.value, !isTree));
	shortcut("/", t("Go to the prefix", "Перейти к префиксу"), () => input.select(), signal);
	shortcut("n", t("New key", "Новый ключ"), onnew, signal);
	const element = h("header.keys-tools",
		h("div.toolbar", h("h1", t("Keys", "Ключи")), h("div.toolbar.end",
			button(t("Refresh", "Обновить"), onrefresh, "quiet", "refresh"),
			button(t("New key", "Новый ключ"), onnew, "primary", "add"))),
		h("div.toolbar", input, tree));
	const show = (place) => {
		({ isTree } = place);
		tree.ariaPressed = String(isTree);
		if (input.value !== place.prefix) input.value = place.prefix;
	};
	return { element, show };
}
