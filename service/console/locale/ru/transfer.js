// Russian: import and export, the account.

/** @type {import("../index.js").Catalogue} */
export default {
  "A file with all keys that you may read, as they are at one moment.":
    "Файл со всеми ключами, которые вы можете читать, на один момент времени.",
  "Access token": "Токен доступа",
  "Access tokens": "Токены доступа",
  "Administrator": "Администратор",
  "All rights of the account": "Все права учётной записи",
  "All rights of the account, future ones too": "Все права учётной записи, и будущие",
  "All sessions have ended.": "Все сеансы завершены.",
  "All sessions of this account end. Access tokens stay valid.":
    "Завершатся все сеансы этой учётной записи. Токены доступа останутся.",
  "Cancelled.": "Отменено.",
  "Change the password": "Сменить пароль",
  "Choose it or drop it on this page. It may be compressed (.gz, .zst).":
    "Выберите файл или перетащите его на страницу. Можно сжатый (.gz, .zst).",
  "Choose the file again if you have corrected it.":
    "Если файл исправлен, выберите его ещё раз.",
  "Continue from here": "Продолжить отсюда",
  "Copied": "Скопировано",
  "Copy": "Копировать",
  "Copy it now: it is not shown again.": "Скопируйте сейчас: больше он не появится.",
  "Create": "Создать",
  "Create an access token": "Создать токен доступа",
  "Create: stop at the first key that exists":
    "Создание: остановиться на первом ключе, который уже есть",
  "Created {time}": "Создано {time}",
  "Current password": "Текущий пароль",
  "Delete the account": "Удалить учётную запись",
  "does not expire": "бессрочно",
  "Error in line {line}": "Ошибка в строке {line}",
  "expires {time}": "истекает {time}",
  "Expires after": "Срок",
  "Export": "Экспорт",
  "Exported at revision {revision}. Keys: {n}, {size}":
    "Экспорт на ревизии {revision}. Ключей: {n}, {size}",
  "File": "Файл",
  "If a key exists": "Если ключ уже есть",
  "Import": "Импорт",
  "It stops when you leave this page.": "Она прервётся, если вы покинете страницу.",
  "Its sessions and access tokens end. The keys that it wrote stay.":
    "Её сеансы и токены доступа завершатся. Записанные ею ключи останутся.",
  "Keep access tokens": "Сохранить токены доступа",
  "Keys: {n}, {size}": "Ключей: {n}, {size}",
  "last used {time}": "использован {time}",
  "Lines written: {n}, skipped: {skipped}": "Записано строк: {n}, пропущено: {skipped}",
  "Lines of JSON: an export, or {example}.": "Строки JSON: экспорт или {example}.",
  "Name": "Имя",
  "Never": "Бессрочно",
  "None. A program signs in with an access token instead of a password.":
    "Их нет. С токеном доступа программа входит без пароля.",
  "not used yet": "не использован",
  "Nothing was saved.": "Ничего не сохранено.",
  "Nothing was written.": "Ничего не записано.",
  "Overwrite: keys that exist get the values of the file":
    "Перезапись: ключи, которые уже есть, получат значения из файла",
  "Password and sessions": "Пароль и сеансы",
  "Prefix": "Префикс",
  "Programs that use it are refused from the next call on.":
    "Программы с этим токеном получат отказ уже при следующем запросе.",
  "Progress": "Ход",
  "Revoke": "Отозвать",
  "Revoke {name}": "Отозвать {name}",
  "Sign out everywhere": "Выйти везде",
  "Skip: keys that exist stay as they are":
    "Пропуск: ключи, которые уже есть, не изменятся",
  "Stop": "Прервать",
  "Stop the transfer?": "Прервать передачу?",
  "The access token is created": "Токен доступа создан",
  "The access token is revoked.": "Токен доступа отозван.",
  "The account is deleted.": "Учётная запись удалена.",
  "The file has changed. Choose it again.": "Файл изменился. Выберите его ещё раз.",
  "The file is incomplete.": "Файл неполон.",
  "The password is changed. Other sessions have ended.":
    "Пароль изменён. Другие сеансы завершены.",
  "The password is wrong.": "Неверный пароль.",
  "This is not your user name.": "Это не ваше имя.",
  "What was written stays.": "Записанное останется.",
  "Which program uses it.": "Какая программа его использует.",
  "Written through line {line}.": "Записано по строку {line}.",
  "{n} days": "{n} дней",
  "{sent} of {total}": "{sent} из {total}",
};
