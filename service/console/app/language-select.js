// The choice of the language.
import { LANGUAGES, language, t } from "../locale/index.js";
import { h } from "../ui/dom.js";

/** @param {(code: string) => void} onchange */
export function languageSelect(onchange) {
  const options = Object.entries(LANGUAGES).map(([code, name]) =>
    h("option", { value: code, lang: code, selected: code === language() }, name));
  const select = h("select", { "aria-label": t("Language"),
    onchange: () => onchange(select.value) }, options);
  return select;
}
