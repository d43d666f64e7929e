// A conflict: the user compares three versions of a value, and chooses.
import { historyOf } from "../../../api/keys.js";
import { t } from "../../../locale.js";
import { changedLines } from "../../../text/diff.js";
import { dateTime } from "../../../text/format.js";
import { format } from "../../../text/json-text.js";
import { button, h, openDialog } from "../../../ui/index.js";

/** The characters of a text that are compared. */
const COMPARED = 65_536;

/**
 * @param {Entry} base @param {string} mine @param {Entry | null} theirs
 * @returns {Promise<string>} "mine", "theirs", or "": undecided
 */
export async function choose(base, mine, theirs) {
	const history = theirs && await historyOf(base.key, null, undefined, 1).catch(() => null);
	const { by, at } = history?.changes[0] ?? {};
	const [before, ...others] = [base.text, mine, theirs?.text ?? ""].map((exact) => {
		const text = exact && format(exact);
		return text.length > COMPARED ? `${text.slice(0, COMPARED)}\n…` : text;
	});
	const version = (title, text, compared, ...hint) => {
		const marked = new Set(compared.flatMap((other) => [...changedLines(other, text)]));
		return h("section", h("h3", title), h("pre.value-text",
			{ tabindex: 0, "aria-label": title, role: "region" },
			text.split("\n").map((line, index) =>
				h(marked.has(index + 1) ? "mark" : "div", line || " "))),
		h("p.hint", hint));
	};
	let choice = "";
	return new Promise((resolve) => {
		const option = (name, label, kind = "") => button(label, () => {
			choice = name;
			dialog.close();
		}, kind);
		const dialog = openDialog(t("Conflict", "Конфликт"), [
			h("p", theirs ? t("Somebody else has changed this value. ± marks what differs.",
				"Значение изменил кто-то другой. Различия отмечены знаком ±.")
				: t("Somebody else has deleted this key, or it has expired.",
					"Ключ удалён кем-то другим, или его срок истёк.")),
			h("div.versions", version(t("Before", "До"), before, others),
				version(t("Mine", "Моё"), others[0], [before]),
				theirs && version(t("Theirs", "Чужое"), others[1], [before],
					h("bdi", by), " ", at && dateTime(at))),
			h("div.actions", option("", t("Continue editing", "Править дальше")),
				option("theirs", theirs ? t("Take theirs", "Принять чужое")
					: t("Discard", "Отбросить")),
				option("mine", theirs ? t("Overwrite with mine", "Записать моё")
					: t("Create", "Создать"), "danger"))],
		{ class: "wide", onclose: () => resolve(choice) });
	});
}
