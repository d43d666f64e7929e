// Russian: the frame of the page, signing in, forms, errors.

/** @type {import("../index.js").Catalogue} */
export default {
  "Account": "Учётная запись",
  "Accounts": "Учётные записи",
  "Cancel": "Отмена",
  "Close": "Закрыть",
  "Create an account": "Создать учётную запись",
  "Create the account": "Создать",
  "Ctrl": "Ctrl",
  "Import and export": "Импорт и экспорт",
  "Keyboard shortcuts": "Клавиши",
  "Keys": "Ключи",
  "Language": "Язык",
  "Live changes": "Изменения",
  "Loading…": "Загрузка…",
  "Main": "Разделы",
  "New password": "Новый пароль",
  "New password again": "Новый пароль ещё раз",
  "Only administrators can do this.": "Это могут только администраторы.",
  "Password": "Пароль",
  "Registration is closed. Ask an administrator for an account.":
    "Регистрация закрыта. Обратитесь к администратору.",
  "Show the keyboard shortcuts": "Показать клавиши",
  "Sign in": "Войти",
  "Sign in to KV": "Вход в KV",
  "Sign in again": "Войдите снова",
  "Sign in instead": "Войти с учётной записью",
  "Sign out": "Выйти",
  "Skip to the content": "К содержанию",
  "Somebody else has changed this in the meantime.": "Это уже изменил кто-то другой.",
  "Status": "Состояние",
  "Stay signed in when this page is reloaded": "Не выходить при обновлении страницы",
  "The change log no longer reaches back that far.":
    "В журнале изменений этого уже нет.",
  "The cluster has no majority, so nothing can be read or written.":
    "В кластере нет большинства: чтение и запись невозможны.",
  "The counter would exceed 64 bits.": "Счётчик не поместится в 64 бита.",
  "The passwords differ.": "Пароли не совпадают.",
  "The service does not respond. Check the connection and try again.":
    "Сервис не отвечает. Проверьте связь и повторите.",
  "The service has failed.": "Ошибка сервиса.",
  "The service is overloaded.": "Сервис перегружен.",
  "The service is stopping.": "Сервис останавливается.",
  "The store does not respond, or its cluster has no leader.":
    "Хранилище не отвечает, или в кластере нет лидера.",
  "The store has not reached this revision. Was it restored?":
    "Такой ревизии ещё нет. Хранилище восстановили из копии?",
  "The store is full. Reads and deletions still work.":
    "Хранилище заполнено. Можно читать и удалять.",
  "The user name or the password is wrong.": "Неверное имя или пароль.",
  "The value is not a 64-bit integer, so it cannot be counted.":
    "Значение не является 64-битным целым, его нельзя увеличить.",
  "This does not exist any more.": "Этого больше нет.",
  "This is the last administrator, so it has to stay one.":
    "Это последний администратор, он должен остаться.",
  "This page could not be loaded": "Страницу не удалось загрузить",
  "This user name is taken.": "Это имя занято.",
  "Too many attempts.": "Слишком много попыток.",
  "Try again": "Повторить",
  "Try again at {time}.": "Повторите в {time}.",
  "Type {text} to confirm": "Для подтверждения введите {text}",
  "User name": "Имя пользователя",
  "Your account has no right to do this.": "У вашей учётной записи нет на это права.",
  "Your session has ended. Sign in again.": "Сеанс завершён. Войдите снова.",
  "Your session has ended. What you have typed is kept.":
    "Сеанс завершён. Введённое сохранено.",
  "Your session has expired. Sign in again.": "Сеанс истёк. Войдите снова.",
  "Your session was ended. Sign in again.": "Сеанс прекращён. Войдите снова.",
  "It is not known whether the change was made: look before you repeat it.":
    "Неизвестно, выполнено ли изменение: проверьте, прежде чем повторять.",
};
