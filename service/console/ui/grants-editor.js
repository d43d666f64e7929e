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
  /** @type {ReturnType<typeof row>[]} */
  const rows = [];
  const grants = () => rows.map((each) => each.grant());
  const list = h("div", { class: "grants" });
  const example = field({ label: t("Try an example key"), autocomplete: "off",
    spellcheck: "false", placeholder: "orders/17" });
  const says = h("output", { for: example.input.id });
  const show = () => {
    const key = example.input.value;
    fill(says, key && grantsForKey(grants(), key));
    empty.hidden = rows.length > 0;
    addButton.disabled = rows.length >= MAX_GRANTS;
  };
  const add = (/** @type {Grant} */ grant) => {
    const added = row(grant, () => {
      const index = rows.indexOf(added);
      rows.splice(index, 1);
      added.element.remove();
      (rows[index] ?? rows[index - 1])?.input.focus();
      show();
      if (rows.length === 0) {
        addButton.focus();
      }
    });
    rows.push(added);
    list.append(added.element);
    return added;
  };
  const addButton = h("button", { type: "button", onclick: () => {
    add({ prefix: "", rights: "r" }).input.focus();
    show();
  } }, icon("add"), t("Add a grant"));
  const empty = h("p", { class: "muted" }, t("Without a grant no key is accessible."));
  const element = h("fieldset", { class: "grants-editor", oninput: show },
    h("legend", null, t("Grants")), empty, list, h("div", null, addButton),
    example.element, says);
  initial.forEach(add);
  show();
  return { element, grants };
}

/** @param {Grant} grant @param {() => void} onremove */
function row(grant, onremove) {
  const input = h("input", { "aria-label": t("Prefix of the keys"), value: grant.prefix,
    placeholder: t("every key"), autocomplete: "off", spellcheck: "false", class: "mono" });
  const names = { rw: t("Read and write"), r: t("Read"), w: t("Write") };
  const select = h("select", { "aria-label": t("Rights") },
    Object.entries(names).map(([value, name]) =>
      h("option", { value, selected: value === grant.rights }, name)));
  const rights = () => /** @type {Grant["rights"]} */ (select.value);
  const element = h("div", { class: "grant" }, input, select,
    h("button", { type: "button", class: "quiet", "aria-label": t("Remove the grant"),
      onclick: onremove }, icon("delete")));
  // An input drops line breaks: a prefix that was not edited stays as it was.
  const shown = input.value;
  const prefix = () => input.value === shown ? grant.prefix : input.value;
  return { element, input, grant: () => ({ prefix: prefix(), rights: rights() }) };
}
