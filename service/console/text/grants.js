// Grants in words.
import { t } from "../locale/index.js";

/** @typedef {import("../api/session.js").Grant} Grant */

export const rightsNames = () =>
  ({ rw: t("Read and write"), r: t("Read"), w: t("Write") });

/** What a grant allows. @param {Grant} grant */
export function grantInWords({ prefix, rights }) {
  return t("{rights} {keys}", { rights: rightsNames()[rights],
    keys: prefix ? t("keys that begin with “{prefix}”", { prefix }) : t("every key") });
}

/** What several grants allow. @param {Grant[]} grants @returns {string[]} */
export function grantsInWords(grants) {
  return grants.length === 0 ? [t("No keys")] : grants.map(grantInWords);
}

/** What grants allow for a key. @param {Grant[]} grants @param {string} key */
export function grantsForKey(grants, key) {
  const found = grants.filter(({ prefix }) => key.startsWith(prefix));
  const isReadable = found.some(({ rights }) => rights.includes("r"));
  const isWritable = found.some(({ rights }) => rights.includes("w"));
  if (isReadable) {
    return isWritable ? t("{key}: may be read and written", { key })
      : t("{key}: may be read, not written", { key });
  }
  return isWritable ? t("{key}: may be written, not read", { key })
    : t("{key}: may be neither read nor written", { key });
}
