// The language of the page. Each message stands in both languages where it is used.

const STORED = "kv.language";
export const LANGUAGES = { en: "English", ru: "Русский" };

let current = "en";

/** The language of the page: "en" or "ru". */
export const language = () => current;

/** Uses the language that was chosen, or the browser's first that exists. */
export function loadLanguage() {
	const wanted = [sessionStorage.getItem(STORED) ?? "", ...navigator.languages];
	const codes = wanted.map((name) => name.slice(0, 2));
	current = codes.find((code) => code in LANGUAGES) ?? "en";
	document.documentElement.lang = current;
}

/** @param {string} code "en" or "ru" */
export function chooseLanguage(code) {
	sessionStorage.setItem(STORED, code);
	loadLanguage();
}

/**
 * A message in the language of the page. `english`: with {names} for values.
 * @type {kv.t}
 */
export const t = (english, russian, values = {}) =>
	(current === "ru" ? russian : english).replace(/\{(\w+)\}/g, (whole, name) =>
		String(values[name] ?? whole));

/** A message about a number: `{n}` stands for it. @type {kv.tn} */
export function tn(n, english, russian, values) {
	const rule = new Intl.PluralRules(current).select(n);
	const form = { one: 0, few: 1 }[String(rule)] ?? 2;
	return t(english[form] ?? english[1], russian[form] ?? russian[2],
		{ n: n.toLocaleString(current), ...values });
}
