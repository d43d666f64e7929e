// An editor of grants: a prefix and rights a row, explained with an example key.
import { t } from "../locale/index.js";
import { grantsForKey } from "../text/grants.js";
import { fill, h } from "./dom.js";
import { field } from "./form.js";
import { icon } from "./icon.js";

/** @typedef {import("../text/grants.js").Grant} Grant */

/** The limit of the service. */
const MAX_GRANTS = 100;

/**
 * `grants` returns those that are in the rows.
 * @param {Grant[]} initial
 * @returns {{element: HTMLElement, grants: () => Grant[]}}
 */
export function grantsEditor(initial) {
  const list = h("div", { class: "grants" });
  const grants = () => [...list.children].map((row) => grantOf(row));
  const example = field({ label: t("Try an example key"), autocomplete: "off",
    spellcheck: "false", placeholder: "orders/17" });
  const says = h("output", { class: "muted" });
  const show = () => {
    const key = example.input.value;
    fill(says, list.childElementCount === 0 ? t("Without a grant no key is accessible.")
      : key && grantsForKey(grants(), key));
    add.disabled = list.childElementCount >= MAX_GRANTS;
  };
  const addRow = (/** @type {Grant} */ grant) => {
    const added = row(grant, () => {
      const next = added.nextElementSibling ?? added.previousElementSibling;
      added.remove();
      show();
      (next?.querySelector("input") ?? add).focus();
    });
    list.append(added);
    show();
    return added;
  };
  const add = h("button", { type: "button", onclick: () =>
    addRow({ prefix: "", rights: "r" }).querySelector("input")?.focus() },
  icon("add"), t("Add a grant"));
  const element = h("fieldset", { oninput: show }, h("legend", null, t("Grants")), list,
    h("div", null, add), example.element, says);
  initial.forEach(addRow);
  show();
  return { element, grants };
}

/** @param {Grant} grant @param {() => void} onremove */
function row({ prefix, rights }, onremove) {
  const names = { rw: t("Read and write"), r: t("Read"), w: t("Write") };
  return h("div", { class: "grant" },
    h("input", { "aria-label": t("Prefix of the keys"), value: prefix, class: "mono",
      placeholder: t("every key"), autocomplete: "off", spellcheck: "false" }),
    h("select", { "aria-label": t("Rights") }, Object.entries(names).map(([value, name]) =>
      h("option", { value, selected: value === rights }, name))),
    h("button", { type: "button", class: "quiet", "aria-label": t("Remove the grant"),
      onclick: onremove }, icon("delete")));
}

/** @param {Element} row @returns {Grant} */
function grantOf(row) {
  const [prefix, rights] = [...row.children].map((each) =>
    /** @type {any} */ (each).value);
  return { prefix, rights };
}
