// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { attempt, fill, h } from "../../ui/index.js";
import { showList } from "./list.js";
import { placeOf } from "./place.js";
import { addressOf } from "./rows.js";
import { tools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

const hint = () => h("div.empty", h("p", t(
	"Choose a key to see its value.", "Выберите ключ, чтобы увидеть значение.")),
h("p", h("kbd", "?"), t(" for the shortcuts", " — клавиши")));

/** Makes signals: each ends with the view, or with the next one. */
function renewable(signal) {
	let last = new AbortController();
	return () => {
		last.abort();
		last = new AbortController();
		return AbortSignal.any([signal, last.signal]);
	};
}

/** The key of a path. One that is typed by hand may not be encoded. */
function keyOf(path) {
	try {
		return path === "" ? null : decodeURIComponent(path);
	} catch {
		return path;
	}
}

/** @type {View} */
export function keysView(context) {
	const { signal } = context;
	const [nextList, nextPane] = [renewable(signal), renewable(signal)];
	let place, list, shownKey;

	const onopen = (key) => go(addressOf(place, key));
	const onclose = () => onopen(null);
	const onwritten = (key, shown = place.key) => {
		attempt(() => place.reread(key));
		if (shown !== place.key) onopen(shown);
	};
	const onremoved = (key) => onwritten(key, null);
	const onnew = () => openNewKey({ prefix: place.prefix,
		oncreated: (key) => onwritten(key, key) });

	const show = (wanted) => {
		replaceAddress(addressOf(wanted, wanted.key));
		head.show(wanted);
		if (wanted === place) return place.onchange();
		place = wanted;
		place.signal = nextList();
		list = showList(place, { onopen, onnew });
		fill(body, list.elements);
		place.onchange();
		// a very long list stays as it was
		if (place.last > 0 && place.last < 10_000) attempt(() => place.reload());
	};

	const showKey = (key) => {
		element.classList.toggle("has-key", key !== null);
		if (key === shownKey) return;
		const inner = nextPane();
		fill(pane, key === null ? hint()
			: showValue({ key, signal: inner, onclose, onwritten, onremoved }));
		if (shownKey !== undefined) {
			(body.checkVisibility() ? list.grid : pane).focus();
		}
		shownKey = key;
	};

	const update = ({ path, query }) => {
		const mode = query.get("mode");
		show(placeOf(keyOf(path), query.get("prefix"), mode && mode === "tree"));
		showKey(place.key);
	};

	const head = tools({ signal, onnew, onrefresh: () => place.reload(),
		onfocus: () => list.grid.focus(),
		onchange: (prefix, isTree) => show(placeOf(place.key, prefix, isTree)) });
	const body = h("div.keys-body");
	const pane = h("div.keys-value", { tabindex: -1 });
	const element = h("div.keys", h("div.keys-list", head.element, body), pane);
	// the grid itself handles them: no key of an event has this name
	shortcut("↑ ↓ ← → ↵ Space Del", t("Move in the list, open, select, delete",
		"Перемещаться по списку, открыть, выбрать, удалить"), () => {}, signal);
	update(context);
	return { element, update };
}
