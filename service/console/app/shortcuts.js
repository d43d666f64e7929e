// Keyboard shortcuts: those of the current view, listed by `?`.
import { t } from "../locale.js";
import { h, openDialog } from "../ui/index.js";

/** @type {Set<Shortcut>} */
const active = new Set();

/** Adds a shortcut until `signal` is aborted. @type {kv.shortcut} */
export function shortcut(key, label, run, signal) {
	const added = { key, label, run };
	active.add(added);
	signal?.addEventListener("abort", () => active.delete(added));
}

/** Listens to the keyboard. Call it once. */
export function startShortcuts() {
	addEventListener("keydown", (event) => {
		const { key, code, altKey, defaultPrevented } = event;
		const mod = event.ctrlKey || event.metaKey;
		// on a Cyrillic layout the key is that of the Latin one
		const latin = /^Key/.test(code) && key.length === 1 && key > "~" ? code.slice(3) : key;
		const pressed = mod ? `Mod+${latin}` : latin;
		const target = /** @type {Element} */ (event.target);
		const isTyping = target.matches?.("input:not([type=checkbox]), textarea, select");
		const found = [help(), ...active].findLast((each) =>
			each.key.toLowerCase() === pressed.toLowerCase());
		if (!found || altKey || defaultPrevented || document.querySelector("dialog[open]")
			|| (isTyping && !mod && key !== "Escape")) return;
		event.preventDefault();
		found.run(event);
	});
}

/** @returns {Shortcut} */
const help = () => ({ key: "?", label: t("Show the keyboard shortcuts", "Показать клавиши"),
	run: () => openDialog(t("Keyboard shortcuts", "Клавиши"), h("dl.shortcuts",
		[...active, help()].map(({ key, label }) =>
			h("div", h("dt", h("kbd", key.replace("Mod", "Ctrl"))), h("dd", label))))) });
