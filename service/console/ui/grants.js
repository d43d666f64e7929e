// Grants in words, and their editor.
import { t } from "../locale.js";
import { PLAIN, button, checkbox, field, fill, h } from "./index.js";

const rightsNames = () => ({ rw: t("Read and write", "Чтение и запись"),
	r: t("Read", "Чтение"), w: t("Write", "Запись") });

const everyKey = () => t("every key", "все ключи");

/** @param {Grant[]} grants */
export const grantsInWords = (grants) => grants.length === 0
	? [t("No keys", "Нет доступа к ключам")]
	: grants.map(({ prefix, rights }) => `${rightsNames()[rights]}: ${prefix
		? t("keys that begin with “{it}”", "ключи с «{it}»", { it: prefix })
		: everyKey()}`);

/**
 * A row for each grant; an example key explains them. With the check box `otherwise`
 * there is no list: `grants` returns null. @param {Grant[]} initial
 */
export function grantsEditor(initial, otherwise = "") {
	/** @type {Set<Grant>} */
	const grants = new Set();
	const list = h("div.grants");
	const example = field({ ...PLAIN, placeholder: "orders/17",
		label: t("Try an example key", "Проверить на примере ключа") });
	const says = h("output.muted");
	const show = () => {
		const key = example.input.value;
		const allowed = [...grants].map(({ prefix, rights }) =>
			key.startsWith(prefix) && rights).join();
		const rights = ["r", "w"].filter((right) => allowed.includes(right)).join("");
		fill(says, grants.size === 0 ? grantsInWords([])
			: key && `${key}: ${rightsNames()[rights] ?? t("no access", "нет доступа")}`);
	};
	const addRow = (/** @type {Grant} */ given) => {
		const grant = { ...given };
		// an input drops line ends: only one that is edited counts
		const prefix = h("input.mono", { ...PLAIN, value: grant.prefix,
			placeholder: everyKey(), oninput: () => (grant.prefix = prefix.value),
			"aria-label": t("Prefix of the keys", "Префикс ключей") });
		const rights = h("select", { "aria-label": t("Rights", "Права"),
			oninput: () => (grant.rights = rights.value) },
			Object.entries(rightsNames()).map(([value, name]) =>
				h("option", { value, selected: value === grant.rights }, name)));
		const row = h("div.grant", prefix, rights,
			button(t("Remove the grant", "Убрать право"), () => {
				row.remove();
				grants.delete(grant);
				show();
				add.focus();
			}, "quiet", "delete"));
		grants.add(grant);
		list.append(row);
		return prefix;
	};
	const add = button(t("Add a grant", "Добавить право"), () => {
		addRow({ prefix: "", rights: "r" }).focus();
		show();
	}, "", "add");
	const fields = h("fieldset", { oninput: show, hidden: otherwise !== "" },
		h("legend", t("Grants", "Права")), list, h("div", add), example.element, says);
	const all = checkbox(otherwise, otherwise !== "");
	all.input.onchange = () => (fields.hidden = all.input.checked);
	initial.forEach(addRow);
	show();
	return { elements: [otherwise && all.element, fields],
		grants: () => all.input.checked ? null : [...grants] };
}
