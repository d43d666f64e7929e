// Keyboard shortcuts: those of the current view, listed by `?`.
import { t } from "../locale/index.js";
import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";

/**
 * @typedef {(event: KeyboardEvent) => void} Run
 * @typedef {{key: string, label: string, run: Run}} Shortcut
 */

/** @type {Set<Shortcut>} */
const active = new Set();

/**
 * Adds a shortcut until `signal` is aborted.
 * @param {string} key as in KeyboardEvent.key; "Mod+s" for Ctrl+S and Command+S
 * @param {string} label what it does
 * @param {Run} run
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
    const mod = event.ctrlKey || event.metaKey;
    const pressed = mod ? `Mod+${latin(event).toLowerCase()}` : latin(event);
    if (document.querySelector("dialog[open]") || event.altKey || event.defaultPrevented) {
      return;
    }
    if (!mod && pressed !== "Escape" && isTyping(event.target)) {
      return;
    }
    const found = [...active, HELP].findLast(({ key }) => key === pressed);
    if (found) {
      event.preventDefault();
      found.run(event);
    }
  });
}

/** The key, on a Cyrillic layout too. @param {KeyboardEvent} event */
function latin({ key, code }) {
  const isLetter = code.startsWith("Key") && key.length === 1 && key > "~";
  return isLetter ? code.slice(3).toLowerCase() : key;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function showShortcuts() {
  const help = { ...HELP, label: t("Show the keyboard shortcuts") };
  const rows = [...active, help].map(({ key, label }) =>
    h("div", null, h("dt", null, h("kbd", null, key.replace("Mod", t("Ctrl")))),
      h("dd", null, label)));
  openDialog({ title: t("Keyboard shortcuts"), body: h("dl", { class: "shortcuts" }, rows) });
}

/** @type {Shortcut} */
const HELP = { key: "?", label: "", run: showShortcuts };
