// Keyboard shortcuts: those of the current view, listed by `?`.
import { t } from "../locale.js";
import { h, openDialog } from "../ui/index.js";

/** @type {Set<{key: string, label: string, run: (event: KeyboardEvent) => void}>} */
const active = new Set();

/**
 * Adds a shortcut until `signal` is aborted.
 * @param {string} key as in KeyboardEvent.key; "Mod+s" for Ctrl+S and Command+S
 * @param {string} label what it does
 * @param {(event: KeyboardEvent) => void} run
 * @param {AbortSignal} [signal]
 */
export function shortcut(key, label, run, signal) {
	const added = { key, label, run };
	active.add(added);
	signal?.addEventListener("abort", () => active.delete(added));
}

/** Listens to the keyboard. Call it once. */
export function startShortcuts() {
	addEventListener("keydown", (event) => {
		const { key, code, ctrlKey, metaKey, altKey, defaultPrevented, target } = event;
		const mod = ctrlKey || metaKey;
		// on a Cyrillic layout the key is that of the Latin one
		const isLetter = code.startsWith("Key") && key.length === 1 && key > "~";
		const latin = isLetter ? code.slice(3).toLowerCase() : key;
		const pressed = mod ? `Mod+${latin.toLowerCase()}` : latin;
		const isTyping = /** @type {Element | null} */ (target)
			?.matches("input:not([type=checkbox]), textarea, select");
		if (altKey || defaultPrevented || document.querySelector("dialog[open]")
			|| (isTyping && !mod && key !== "Escape")) return;
		const help = { key: "?", label: "", run: showShortcuts };
		const found = [help, ...active].findLast((each) => each.key === pressed);
		if (!found) return;
		event.preventDefault();
		found.run(event);
	});
}

function showShortcuts() {
	const help = { key: "?", label: t("Show the keyboard shortcuts", "Показать клавиши") };
	openDialog(t("Keyboard shortcuts", "Клавиши"), h("dl.shortcuts",
		[...active, help].map(({ key, label }) =>
			h("div", h("dt", h("kbd", key.replace("Mod", "Ctrl"))), h("dd", label)))));
}
