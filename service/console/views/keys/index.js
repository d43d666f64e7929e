// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { fill, h } from "../../ui/index.js";
import { hint, malformed } from "./empty.js";
import { showList } from "./list.js";
import { addressOf, placeAt, placeOf } from "./place.js";
import { tools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

/** Pixels from the top: so much is loaded again when the user returns to the list. */
const REFRESHED = 300_000;

/** @type {View} */
export function keysView(context) {
	const { signal } = context;
	/** @type {import("./place.js").Place} */
	let place;
	/** @type {ReturnType<typeof showList>} */
	let list;
	/** @type {string | null | undefined} */
	let shownKey;
	let leaveList = new AbortController();
	let leaveKey = new AbortController();

	const onopen = (/** @type {string | null} */ key) => go(addressOf({ ...place, key }));
	const onclose = () => onopen(null);
	const onnew = () => openNewKey({ prefix: place.prefix, oncreated: (key) => {
		list.reread(key);
		onopen(key);
	} });

	const show = (/** @type {typeof place} */ wanted) => {
		replaceAddress(addressOf(wanted));
		head.show(wanted);
		if (wanted === place) return list.grid.refresh();
		place = wanted;
		const { top } = place;
		leaveList.abort();
		leaveList = new AbortController();
		const inner = AbortSignal.any([signal, leaveList.signal]);
		list = showList(place, { signal: inner, onopen, onclose, onnew });
		fill(body, list.elements);
		list.grid.refresh();
		list.grid.list.moveTo(top);
		if (place.rows.root.entries > 0 && top < REFRESHED) list.refresh();
	};

	const showKey = (/** @type {string | null} */ key) => {
		if (key !== shownKey) {
			leaveKey.abort();
			leaveKey = new AbortController();
			const inner = AbortSignal.any([signal, leaveKey.signal]);
			fill(pane, key === null ? hint() : showValue({ key, onopen, onclose,
				signal: inner,
				onwritten: (written) => list.reread(written),
				onremoved: (removed) => {
					list.reread(removed);
					onclose();
				} }));
		}
		element.classList.toggle("has-key", key !== null);
		if (shownKey !== undefined && key !== shownKey) {
			(body.checkVisibility() ? list.grid.element : pane).focus();
		}
		shownKey = key;
	};

	const update = (/** @type {typeof context} */ next) => {
		let wanted;
		try {
			wanted = placeAt(next);
		} catch {
			shownKey = undefined;
			fill(pane, malformed());
			return element.classList.add("has-key");
		}
		show(wanted);
		showKey(wanted.key);
	};

	const head = tools({ signal, onnew, onrefresh: () => list.refresh(),
		onfocus: () => list.grid.element.focus(),
		onchange: (prefix, isTree) => show(placeOf({ key: place.key, prefix, isTree })) });
	const body = h("div.keys-body");
	const pane = h("div.keys-value", { tabindex: -1 });
	const element = h("div.keys",
		h("section.keys-list", { "aria-label": t("Keys", "Ключи") }, head.element, body), pane);
	// the grid itself handles them: no key of an event has these names
	const listed = { "↑ ↓ Home End": t("Move in the list", "Перемещаться по списку"), "Enter ↵": t(
		"Open", "Открыть"),
		"← →": t("Close or open a prefix", "Свернуть или раскрыть префикс"), Space: t("Select", "Выбрать"), Del: t("Delete", "Удалить") };
	const none = () => {};
	Object.entries(listed).forEach(([key, label]) => shortcut(key, label, none, signal));
	update(context);
	return { element, update };
}
