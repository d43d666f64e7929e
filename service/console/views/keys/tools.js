// The head of the list: prefix, list or tree, new key, refresh.
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale/index.js";
import { h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";

/** Milliseconds after the last key stroke. */
const DEBOUNCE = 250;

/**
 * @param {{signal: AbortSignal, onnew: () => void, onrefresh: () => Promise<void>,
 *   onfocus: () => void, onchange: (prefix: string, isTree: boolean) => void}} options
 */
export function tools({ signal, onnew, onrefresh, onfocus, onchange }) {
  let timer = 0;
  let isTree = false;
  const apply = () => {
    clearTimeout(timer);
    onchange(input.value, isTree);
  };
  const input = h("input", { type: "text", "aria-label": t("Prefix"), name: "prefix",
    placeholder: t("Prefix"), autocomplete: "off", spellcheck: "false", autocapitalize: "none",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(apply, DEBOUNCE);
    },
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && input.value !== "") {
        event.preventDefault();
        input.value = "";
        apply();
      } else if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        apply();
        onfocus();
      }
    } });
  const mode = (/** @type {boolean} */ tree, /** @type {string} */ label) =>
    h("button", { type: "button", onclick: () => {
      isTree = tree;
      apply();
    } }, label);
  const modes = [mode(false, t("List")), mode(true, t("Tree"))];
  const refresh = h("button", { type: "button", class: "quiet", "aria-label": t("Refresh"),
    title: t("Refresh"), onclick: async () => {
      refresh.disabled = true;
      await onrefresh().finally(() => (refresh.disabled = false));
      refresh.focus();
    } }, icon("refresh"));
  shortcut("/", t("Go to the prefix"), () => input.select(), signal);
  shortcut("n", t("New key"), onnew, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
  const element = h("header", { class: "keys-tools" },
    h("div", { class: "toolbar" }, h("h1", null, t("Keys")), h("div", { class: "toolbar end" },
      refresh, h("button", { type: "button", class: "primary", onclick: onnew }, icon("add"),
        t("New key")))),
    h("div", { class: "toolbar" }, input,
      h("div", { class: "modes", role: "group", "aria-label": t("Show as") }, modes)));
  /** @param {import("./place.js").Place} place */
  const show = (place) => {
    isTree = place.isTree;
    modes.forEach((button, i) => button.setAttribute("aria-pressed", String(isTree === (i === 1))));
    if (input.value !== place.prefix) {
      input.value = place.prefix;
    }
  };
  return { element, show };
}
