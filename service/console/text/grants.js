// Grants in words.
import { t } from "../locale.js";

export const rightsNames = () => ({ rw: t("Read and write", "Чтение и запись"),
	r: t("Read", "Чтение"), w: t("Write", "Запись") });

/** What a grant allows. @param {Grant} grant */
const grantInWords = ({ prefix, rights }) => t("{rights} {keys}", "{rights}: {keys}",
	{ rights: rightsNames()[rights], keys: prefix ? t("keys that begin with “{prefix}”",
		"ключи, начинающиеся с «{prefix}»", { prefix }) : t("every key", "все ключи") });

/** What several grants allow. @param {Grant[]} grants */
export const grantsInWords = (grants) =>
	grants.length === 0 ? [t("No keys", "Нет доступа к ключам")] : grants.map(grantInWords);

/** What grants allow for a key. @param {Grant[]} grants @param {string} key */
export function grantsForKey(grants, key) {
	const found = grants.filter(({ prefix }) => key.startsWith(prefix));
	const rights = found.map((grant) => grant.rights).join();
	const can = (/** @type {string} */ right) => rights.includes(right);
	return `${key}: ${can("r")
		? can("w") ? t("may be read and written", "можно читать и изменять")
			: t("may be read, not written", "можно читать, но не изменять")
		: can("w") ? t("may be written, not read", "можно изменять, но не читать")
			: t("may be neither read nor written", "нельзя ни читать, ни изменять")}`;
}
