// The head: prefix, list or tree, new key, refresh.
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { PLAIN, button, h } from "../../ui/index.js";

/** `onchange` gets a prefix, and whether a tree is wanted. */
export function tools({ signal, onnew, onrefresh, onfocus, onchange }) {
	let timer = 0;
	let isTree = false;
	const apply = (delay = 0) => {
		clearTimeout(timer);
		timer = setTimeout(() => signal.aborted || onchange(input.value, isTree), delay);
	};
	const onkeydown = (event) => {
		if (!["Escape", "Enter", "ArrowDown"].includes(event.key)) return;
		event.preventDefault();
		if (event.key === "Escape") input.value = "";
		else onfocus();
		apply();
	};
	const label = t("Prefix", "Префикс");
	const input = h("input", { ...PLAIN, "aria-label": label, placeholder: label, onkeydown,
		oninput: () => apply(250) });
	const modes = [t("List", "Список"), t("Tree", "Дерево")].map((name, i) =>
		button(name, () => {
			isTree = i === 1;
			apply();
		}));
	shortcut("/", t("Go to the prefix", "Перейти к префиксу"), () => input.select(), signal);
	shortcut("n", t("New key", "Новый ключ"), onnew, signal);
	const element = h("header.keys-tools",
		h("div.toolbar", h("h1", t("Keys", "Ключи")), h("div.toolbar.end",
			button(t("Refresh", "Обновить"), onrefresh, "quiet", "refresh"),
			button(t("New key", "Новый ключ"), onnew, "primary", "add"))),
		h("div.toolbar", input,
			h("div.modes", { role: "group", "aria-label": t("Show as", "Вид") }, modes)));
	const show = (place) => {
		({ isTree } = place);
		modes.forEach((mode, i) => (mode.ariaPressed = String(isTree === (i === 1))));
		if (input.value !== place.prefix) input.value = place.prefix;
	};
	return { element, show };
}
