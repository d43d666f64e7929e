// The keys: a list, and the value of a key next to it.
import { session } from "../../api/session.js";
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale.js";
import { attempt, fill, h } from "../../ui/index.js";
import { showList } from "./list.js";
import { Place } from "./place.js";
import { addressOf } from "./row.js";
import { tools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

const hint = () => h("div.empty", h("p", t("Choose a key to see its value.",
	"Выберите ключ, чтобы увидеть значение.")),
h("p", h("kbd", "?"), t(" for the shortcuts", " — клавиши")));

/** The key of a path. One that is typed by hand may not be encoded. */
function keyOf(path) {
	try {
		return path === "" ? null : decodeURIComponent(path);
	} catch {
		return path;
	}
}

let kept;
session.addEventListener("change", () => (kept = null));

/** The place of an address; what that lacks (null) stays as it is. */
function placeOf(key, prefix, isTree) {
	prefix ??= kept?.prefix ?? key?.slice(0, key.lastIndexOf("/") + 1) ?? "";
	isTree ??= kept?.isTree ?? false;
	const isSame = kept?.prefix === prefix && kept.isTree === isTree;
	if (!isSame) kept = new Place(prefix, isTree);
	kept.key = key;
	return kept;
}

/** @type {View} */
export function keysView(context) {
	const { signal } = context;
	let inPane = new AbortController();
	let place, grid, shownKey;

	const onopen = (key) => go(addressOf(place, key));
	const onclose = () => onopen(null);
	const onwritten = (key, shown = place.key) => {
		attempt(() => place.reread(key));
		if (shown !== place.key) onopen(shown);
	};
	const onnew = () => openNewKey({ prefix: place.prefix,
		oncreated: (key) => onwritten(key, key) });

	const show = (wanted) => {
		const { key, last } = wanted;
		replaceAddress(addressOf(wanted, key));
		head.show(wanted);
		if (wanted !== place) {
			place = wanted;
			place.signal = signal;
			grid = showList(body, place, { onopen, onnew });
			// a very long list stays as it was
			if (last > 0 && last < 10_000) attempt(() => place.reload());
		}
		place.onchange();
		element.classList.toggle("has-key", key !== null);
		if (key === shownKey) return;
		inPane.abort();
		inPane = new AbortController();
		fill(pane, key === null ? hint() : showValue({ key, onclose, onwritten,
			onremoved: (gone) => onwritten(gone, null),
			signal: AbortSignal.any([signal, inPane.signal]) }));
		if (shownKey !== undefined) {
			(body.checkVisibility() ? grid : pane).focus();
		}
		shownKey = key;
	};

	const update = ({ path, query }) => {
		const mode = query.get("mode");
		show(placeOf(keyOf(path), query.get("prefix"), mode && mode === "tree"));
	};

	const head = tools({ signal, onnew, onrefresh: () => place.reload(),
		onfocus: () => grid.focus(),
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
