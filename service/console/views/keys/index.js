// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { attempt, fill, h } from "../../ui/index.js";
import { message, showList } from "./list.js";
import { addressOf, placeOf } from "./place.js";
import { tools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

/** So many rows are loaded again when the user returns to the list. */
const REFRESHED = 10_000;

const hint = () => h("div.empty",
	h("p", t("Choose a key to see its value.", "Выберите ключ, чтобы увидеть значение.")),
	h("p", h("kbd", "?"), " ", t("shows the keyboard shortcuts", "покажет клавиши")));

const malformed = () => h("div.empty", { role: "alert" },
	message(t("This address is not valid", "Неверный адрес"),
		t("The key in it is not encoded correctly.", "Ключ в нём закодирован неверно.")),
	h("a.button", { href: "#/keys" }, t("Show the list", "Показать список")));

/** A signal that is aborted with another one, or when the next one is made. */
function renewable(signal) {
	let last = new AbortController();
	return () => {
		last.abort();
		last = new AbortController();
		return AbortSignal.any([signal, last.signal]);
	};
}

/** @type {View} */
export function keysView(context) {
	const { signal } = context;
	const [nextList, nextPane] = [renewable(signal), renewable(signal)];
	/** @type {Place} */
	let place;
	/** @type {ReturnType<typeof showList>} */
	let list;
	/** @type {string | null | undefined} */
	let shownKey;

	const onopen = (key) => go(addressOf({ ...place, key }));
	const onclose = () => onopen(null);
	const onnew = () => openNewKey({ prefix: place.prefix, oncreated: (key) => {
		list.reread(key);
		onopen(key);
	} });

	const show = (wanted) => {
		replaceAddress(addressOf(wanted));
		head.show(wanted);
		if (wanted === place) return list.grid.refresh();
		place = wanted;
		place.signal = nextList();
		list = showList(place, { onopen, onclose, onnew });
		fill(body, list.elements);
		list.grid.refresh();
		if (place.last > 0 && place.last < REFRESHED) attempt(() => place.reload());
	};

	const showKey = (key) => {
		element.classList.toggle("has-key", key !== null);
		if (key === shownKey) return;
		const { reread: onwritten } = list;
		fill(pane, key === null ? hint() : showValue({ key, onopen, onclose, onwritten,
			signal: nextPane(),
			onremoved: (removed) => {
				list.reread(removed);
				onclose();
			} }));
		if (shownKey !== undefined) {
			(body.checkVisibility() ? list.grid.element : pane).focus();
		}
		shownKey = key;
	};

	const update = ({ path, query }) => {
		const mode = query.get("mode");
		try {
			show(placeOf({ key: path === "" ? null : decodeURIComponent(path),
				prefix: query.get("prefix"), isTree: mode && mode === "tree" }));
			showKey(place.key);
		} catch (error) {
			if (!(error instanceof URIError)) throw error;
			shownKey = undefined;
			fill(pane, malformed());
			element.classList.add("has-key");
		}
	};

	const head = tools({ signal, onnew, onrefresh: () => place.reload(),
		onfocus: () => list.grid.element.focus(),
		onchange: (prefix, isTree) => show(placeOf({ key: place.key, prefix, isTree })) });
	const body = h("div.keys-body");
	const pane = h("div.keys-value", { tabindex: -1 });
	const element = h("div.keys", h("section.keys-list", { "aria-label": t("Keys", "Ключи") },
		head.element, body), pane);
	// the grid itself handles them: no key of an event has these names
	Object.entries({
		"↑ ↓ Home End": t("Move in the list", "Перемещаться по списку"),
		"↵": t("Open", "Открыть"),
		"← →": t("Close or open a prefix", "Свернуть или раскрыть префикс"),
		Space: t("Select", "Выбрать"),
		Del: t("Delete", "Удалить"),
	}).forEach(([key, label]) => shortcut(key, label, () => {}, signal));
	update(context);
	return { element, update };
}
