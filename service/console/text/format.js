// Sizes, counts, durations and times in the language of the page.
import { language, t } from "../locale.js";

/** @param {number} n */
const number = (n, fraction = 0) =>
	n.toLocaleString(language(), { maximumFractionDigits: fraction });

/** Returns such as "3 B", "1.2 KiB". @type {kv.size} */
export function size(bytes) {
	let [n, unit] = [bytes, 0];
	// what would be rounded up to 1,024 belongs to the next unit
	for (; n >= 1023.5 && unit < 3; unit++) n /= 1024;
	const units = t("B KiB MiB GiB", "Б КиБ МиБ ГиБ").split(" ");
	return `${number(n, n < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** @param {number | null} n null: more than 1,000 */
export const count = (n) => (n === null ? `${number(1000)}+` : number(n));

/** Returns such as "3 d 4 h", "59 s". @type {kv.duration} */
export function duration(seconds) {
	const units = t("d h min s", "дн. ч мин с").split(" ");
	let rest = Math.max(0, Math.floor(seconds));
	const parts = [86400, 3600, 60, 1].map((length, at) => {
		const n = Math.floor(rest / length);
		rest %= length;
		return n > 0 || (length === 1 && seconds < 1) ? `${number(n)} ${units[at]}` : "";
	});
	const first = parts.findIndex(Boolean);
	return parts.slice(first, first + 2).filter(Boolean).join(" ");
}

/** Of Unix seconds, such as "12:04:31". @type {kv.time} */
export const time = (instant) =>
	new Date(instant * 1000).toLocaleTimeString(language(), { hourCycle: "h23" });

/** Day and time. @type {kv.time} */
export const dateTime = (instant) => new Date(instant * 1000).toLocaleString(language(),
	{ dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
