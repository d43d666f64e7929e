// Grants in words.
import { t } from "../locale/index.js";

/** @typedef {import("../api/session.js").Grant} Grant */

/** What a grant allows, as a sentence without a full stop. @param {Grant} grant */
export function grantInWords({ prefix, rights }) {
  if (prefix === "") {
    return { r: t("Read every key"), w: t("Write every key"),
      rw: t("Read and write every key") }[rights];
  }
  return { r: t("Read keys that begin with “{prefix}”", { prefix }),
    w: t("Write keys that begin with “{prefix}”", { prefix }),
    rw: t("Read and write keys that begin with “{prefix}”", { prefix }) }[rights];
}

/** The sentences of several grants. @param {Grant[]} grants @returns {string[]} */
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
