// Russian: grants.

/** @type {import("../index.js").Catalogue} */
export default {
  "Add a grant": "Добавить право",
  "every key": "все ключи",
  "Grants": "Права",
  "keys that begin with “{prefix}”": "ключи, начинающиеся с «{prefix}»",
  "No keys": "Нет доступа к ключам",
  "Prefix of the keys": "Префикс ключей",
  "Read": "Чтение",
  "Read and write": "Чтение и запись",
  "Remove the grant": "Убрать право",
  "Rights": "Права",
  "Try an example key": "Проверить на примере ключа",
  "Without a grant no key is accessible.": "Без прав ни один ключ не доступен.",
  "Write": "Запись",
  "{rights} {keys}": "{rights}: {keys}",
  "{key}: may be neither read nor written": "{key}: нельзя ни читать, ни изменять",
  "{key}: may be read and written": "{key}: можно читать и изменять",
  "{key}: may be read, not written": "{key}: можно читать, но не изменять",
  "{key}: may be written, not read": "{key}: можно изменять, но не читать",
};
