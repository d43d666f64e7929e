// Differing lines, live changes and the history of a key.

/** @type {import("../index.js").Catalogue} */
export default {
  "There is no difference.": "Различий нет.",
  "Only the white space differs.": "Различаются только пробелы.",
  "Only the first 64 KiB are compared.": "Сравниваются только первые 64 КиБ.",
  "… {n} unchanged lines …": ["… {n} строка без изменений …",
    "… {n} строки без изменений …", "… {n} строк без изменений …"],
  "No value": "Значения нет",
};
