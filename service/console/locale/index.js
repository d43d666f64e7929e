// The language of the page. The English text is the id of a message.

/** @typedef {Record<string, string | number>} Values */
/** @typedef {Record<string, string | string[]>} Catalogue */

const STORED = "kv.language";
export const LANGUAGES = { en: "English", ru: "Русский" };

/** @type {Catalogue} */
let catalogue = {};
let current = "en";

/** The language of the page: "en" or "ru". */
export function language() {
  return current;
}

/** Loads the language that was chosen, or the first one of the browser that exists. */
export async function loadLanguage() {
  const wanted = [sessionStorage.getItem(STORED) ?? "", ...navigator.languages];
  const codes = wanted.map((name) => name.slice(0, 2));
  await useLanguage(codes.find((code) => code in LANGUAGES) ?? "en");
}

/** @param {string} code "en" or "ru" */
export async function chooseLanguage(code) {
  sessionStorage.setItem(STORED, code);
  await useLanguage(code);
}

/** @param {string} code */
async function useLanguage(code) {
  catalogue = code === "ru" ? (await import("./ru/index.js")).default : {};
  current = code;
  document.documentElement.lang = code;
}

/**
 * A message in the language of the page.
 * @param {string} text English, with {names} for values
 * @param {Values} [values]
 */
export function t(text, values = {}) {
  return insert(String(catalogue[text] ?? text), values);
}

/**
 * A message about a number: `{n}` stands for it.
 * @param {string} one English, for 1
 * @param {string} many English, for other numbers
 * @param {number} n
 * @param {Values} [values]
 */
export function tn(one, many, n, values = {}) {
  const forms = catalogue[many];
  const text = Array.isArray(forms) ? forms[russianForm(n)] : n === 1 ? one : many;
  return insert(String(text), { n: n.toLocaleString(current), ...values });
}

/** The form of a Russian noun after a number: 0, 1 or 2. @param {number} n */
function russianForm(n) {
  return { one: 0, few: 1 }[String(new Intl.PluralRules("ru").select(n))] ?? 2;
}

/** @param {string} text @param {Values} values */
function insert(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
