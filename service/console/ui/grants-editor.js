// An editor of grants: a prefix and rights a row, explained with an example key.
import { t } from "../locale.js";
import { grantsForKey, rightsNames } from "../text/grants.js";
import { button } from "./button.js";
import { fill, h } from "./dom.js";
import { PLAIN, field } from "./form.js";

/** The limit of the service. */
const MAX_GRANTS = 100;

/**
 * `grants` returns those that are in the rows.
 * @param {Grant[]} initial
 */
export function grantsEditor(initial) {
	const list = h("div.grants");
	/** The grant in each row. @type {Map<Element, () => Grant>} */
	const rows = new Map();
	const grants = () => [...list.children].flatMap((row) => rows.get(row)?.() ?? []);
	const example = field({ label: t("Try an example key", "Проверить на примере ключа"),
		placeholder: "orders/17", ...PLAIN });
	const says = h("output.muted");
	const show = () => {
		const key = example.input.value;
		fill(says, list.children.length === 0
			? t("Without a grant no key is accessible.", "Без прав ни один ключ не доступен.")
			: key && grantsForKey(grants(), key));
		add.disabled = list.children.length >= MAX_GRANTS;
	};
	const addRow = (/** @type {Grant} */ grant) => {
		const prefix = h("input.mono", { value: grant.prefix, ...PLAIN,
			"aria-label": t("Prefix of the keys", "Префикс ключей"),
			placeholder: t("every key", "все ключи") });
		const rights = h("select", { "aria-label": t("Rights", "Права") },
			Object.entries(rightsNames()).map(([value, name]) =>
				h("option", { value, selected: value === grant.rights }, name)));
		const row = h("div.grant", prefix, rights,
			button(t("Remove the grant", "Убрать право"), () => {
				const next = row.nextElementSibling ?? row.previousElementSibling;
				row.remove();
				show();
				(next?.querySelector("input") ?? add).focus();
			}, "quiet", "delete"));
		const shown = prefix.value;
		// an input drops line ends: a prefix that is not edited stays as it was
		rows.set(row, () => ({ rights: /** @type {Grant["rights"]} */ (rights.value),
			prefix: prefix.value === shown ? grant.prefix : prefix.value }));
		list.append(row);
		show();
		return prefix;
	};
	const add = button(t("Add a grant", "Добавить право"),
		() => addRow({ prefix: "", rights: "r" }).focus(), "", "add");
	const element = h("fieldset", { oninput: show }, h("legend", t("Grants", "Права")), list,
		h("div", add), example.element, says);
	initial.forEach(addRow);
	show();
	return { element, grants };
}
