// An editor of grants: a prefix and rights a row, explained with an example key.
import { t } from "../locale/index.js";
import { grantsForKey, rightsNames } from "../text/grants.js";
import { button } from "./button.js";
import { fill, h } from "./dom.js";
import { field } from "./form.js";

/** @typedef {import("../text/grants.js").Grant} Grant */

/** The limit of the service. */
const MAX_GRANTS = 100;
const TEXT = { autocomplete: "off", spellcheck: "false" };

/**
 * `grants` returns those that are in the rows.
 * @param {Grant[]} initial
 * @returns {{element: HTMLElement, grants: () => Grant[]}}
 */
export function grantsEditor(initial) {
  const list = h("div.grants");
  const grants = () => [...list.children].map((row) => grantOf(row));
  const example = field({ label: t("Try an example key"), placeholder: "orders/17", ...TEXT });
  const says = h("output.muted");
  const show = () => {
    const key = example.input.value;
    fill(says, list.children.length === 0 ? t("Without a grant no key is accessible.")
      : key && grantsForKey(grants(), key));
    add.disabled = list.children.length >= MAX_GRANTS;
  };
  const addRow = (/** @type {Grant} */ grant) => {
    const row = rowOf(grant, () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      show();
      (next?.querySelector("input") ?? add).focus();
    });
    list.append(row);
    show();
    return row;
  };
  const add = button(t("Add a grant"), () =>
    addRow({ prefix: "", rights: "r" }).querySelector("input")?.focus(), "", "add");
  const element = h("fieldset", { oninput: show }, h("legend", t("Grants")), list,
    h("div", add), example.element, says);
  initial.forEach(addRow);
  show();
  return { element, grants };
}

/** @param {Grant} grant @param {() => void} remove */
function rowOf({ prefix, rights }, remove) {
  return h("div.grant",
    h("input.mono", { "aria-label": t("Prefix of the keys"), value: prefix,
      placeholder: t("every key"), ...TEXT }),
    h("select", { "aria-label": t("Rights") }, Object.entries(rightsNames()).map(([value, name]) =>
      h("option", { value, selected: value === rights }, name))),
    button(t("Remove the grant"), remove, "quiet", "delete"));
}

/** @param {Element} row @returns {Grant} */
function grantOf(row) {
  const [prefix, rights] = [...row.children].map((each) =>
    /** @type {any} */ (each).value);
  return { prefix, rights };
}
