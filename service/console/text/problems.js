// Errors in the words of the user's language.
import { t } from "../locale.js";
import { time } from "./format.js";

const ENDED = ["Your session has ended. Sign in again.", "Сеанс завершён. Войдите снова."];

/** By the code of the problem. @type {Record<string, string[]>} */
const MESSAGES = {
	unreachable: ["The service does not respond. Check the connection and try again.",
		"Сервис не отвечает. Проверьте связь и повторите."],
	storage_unavailable: ["The store does not respond, or its cluster has no leader.",
		"Хранилище не отвечает, или в кластере нет лидера."],
	no_quorum: ["The cluster has no majority, so nothing can be read or written.",
		"В кластере нет большинства: чтение и запись невозможны."],
	storage_full: ["The store is full. Reads and deletions still work.",
		"Хранилище заполнено. Можно читать и удалять."],
	overloaded: ["The service is overloaded.", "Сервис перегружен."],
	stopping: ["The service is stopping.", "Сервис останавливается."],
	too_many_attempts: ["Too many attempts.", "Слишком много попыток."],
	invalid_credentials: ["The user name or the password is wrong.",
		"Неверное имя или пароль."],
	user_exists: ["This user name is taken.", "Это имя занято."],
	registration_closed: ["Registration is closed. Ask an administrator for an account.",
		"Регистрация закрыта. Обратитесь к администратору."],
	token_missing: ENDED,
	token_invalid: ENDED,
	token_expired: ENDED,
	token_revoked: ENDED,
	forbidden: ["Your account has no right to do this.",
		"У вашей учётной записи нет на это права."],
	not_an_administrator: ["Only administrators can do this.",
		"Это могут только администраторы."],
	last_administrator: ["This is the last administrator, so it has to stay one.",
		"Это последний администратор, он должен остаться."],
	condition_failed: ["Somebody else has changed this in the meantime.",
		"Это уже изменил кто-то другой."],
	not_a_counter: ["The value is not a 64-bit integer, so it cannot be counted.",
		"Значение не является 64-битным целым, его нельзя увеличить."],
	counter_overflow: ["The counter would exceed 64 bits.",
		"Счётчик не поместится в 64 бита."],
	revision_compacted: ["The change log no longer reaches back that far.",
		"В журнале изменений этого уже нет."],
	revision_ahead: ["The store has not reached this revision. Was it restored?",
		"Такой ревизии ещё нет. Хранилище восстановили из копии?"],
	not_found: ["This does not exist any more.", "Этого больше нет."],
	internal: ["The service has failed.", "Ошибка сервиса."],
};

/** Codes whose detail says more than the message: which key, which limit. */
const DETAILED = ["forbidden", "storage_full", "internal", "not_a_counter"];

/**
 * What went wrong, in one or more sentences.
 * @param {any} error a Problem, or another error @returns {string}
 */
export function describe({ code, detail, message, members, retryAfter }) {
	const [english, russian] = MESSAGES[code] ?? [];
	if (!english || !russian) return detail || message;
	return [t(english, russian), DETAILED.includes(code) && detail && `(${detail})`,
		retryAfter > 0 && t("Try again at {time}.", "Повторите в {time}.",
			{ time: time(Date.now() / 1000 + retryAfter) }),
		members?.applied === "unknown"
			&& t("It is not known whether the change was made: look before you repeat it.",
				"Неизвестно, выполнено ли изменение: проверьте, прежде чем повторять."),
	].filter(Boolean).join(" ");
}
