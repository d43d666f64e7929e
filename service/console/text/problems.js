// Errors in the words of the user's language.
import { t } from "../locale.js";
import { time } from "./format.js";

/** By the code of the problem. @returns {Record<string, string>} */
const messages = () => ({
	unreachable: t("The service does not respond.", "Сервис не отвечает."),
	storage_unavailable: t("The store does not respond, or has no leader.",
		"Хранилище не отвечает или осталось без лидера."),
	no_quorum: t("The cluster has no majority.", "В кластере нет большинства."),
	storage_full: t("The store is full. Reads and deletions still work.",
		"Хранилище заполнено. Можно читать и удалять."),
	overloaded: t("The service is overloaded.", "Сервис перегружен."),
	stopping: t("The service is stopping.", "Сервис останавливается."),
	too_many_attempts: t("Too many attempts.", "Слишком много попыток."),
	invalid_credentials: t("The user name or the password is wrong.",
		"Неверное имя или пароль."),
	user_exists: t("This user name is taken.", "Это имя занято."),
	registration_closed: t("Registration is closed: ask an administrator.",
		"Регистрация закрыта: обратитесь к администратору."),
	token: t("Your session has ended. Sign in again.", "Сеанс завершён. Войдите снова."),
	forbidden: t("You have no right to do this.", "У вас нет права на это."),
	not_an_administrator: t("Only administrators can do this.",
		"Это могут только администраторы."),
	last_administrator: t("This is the last administrator.",
		"Это последний администратор."),
	condition_failed: t("Somebody else has changed this.", "Это изменил кто-то другой."),
	not_a_counter: t("The value is not a 64-bit integer.",
		"Значение — не 64-битное целое."),
	counter_overflow: t("The counter would exceed 64 bits.",
		"Счётчик не поместится в 64 бита."),
	revision_compacted: t("The change log no longer reaches back that far.",
		"В журнале изменений этого уже нет."),
	revision_ahead: t("The store has not reached this revision.",
		"Такой ревизии ещё нет."),
	not_found: t("This does not exist any more.", "Этого больше нет."),
	internal: t("The service has failed.", "Ошибка сервиса."),
});

/** Codes whose detail says more: which key, which limit. */
const DETAILED = ["forbidden", "storage_full", "internal", "not_a_counter"];

/** What went wrong, in one or more sentences. @type {kv.describe} */
export function describe({ code, detail, message, members, retryAfter }) {
	const says = messages()[String(code).replace(/^token_.*/, "token")];
	if (!says) return detail || message;
	return [says, DETAILED.includes(code) && detail && `(${detail})`,
		retryAfter > 0 && t("Try again at {time}.", "Повторите в {time}.",
			{ time: time(Date.now() / 1000 + retryAfter) }),
		members?.applied === "unknown"
			&& t("It may have been written: check before you retry.",
				"Возможно, изменение выполнено: проверьте."),
	].filter(Boolean).join(" ");
}
