// Russian: grants.

/** @type {import("../index.js").Catalogue} */
export default {
  "Add a grant": "Добавить право",
  "every key": "все ключи",
  "Grants": "Права",
  "No keys": "Нет доступа к ключам",
  "Prefix of the keys": "Префикс ключей",
  "Read": "Чтение",
  "Read and write": "Чтение и запись",
  "Read and write every key": "Чтение и запись всех ключей",
  "Read and write keys that begin with “{prefix}”":
    "Чтение и запись ключей, начинающихся с «{prefix}»",
  "Read every key": "Чтение всех ключей",
  "Read keys that begin with “{prefix}”": "Чтение ключей, начинающихся с «{prefix}»",
  "Remove the grant": "Убрать право",
  "Rights": "Права",
  "Try an example key": "Проверить на примере ключа",
  "Without a grant no key is accessible.": "Без прав ни один ключ не доступен.",
  "Write": "Запись",
  "Write every key": "Запись всех ключей",
  "Write keys that begin with “{prefix}”": "Запись ключей, начинающихся с «{prefix}»",
  "{key}: may be neither read nor written": "{key}: нельзя ни читать, ни изменять",
  "{key}: may be read and written": "{key}: можно читать и изменять",
  "{key}: may be read, not written": "{key}: можно читать, но не изменять",
  "{key}: may be written, not read": "{key}: можно изменять, но не читать",
};
