// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale.js";
import { h } from "../../ui/index.js";
import { virtualList } from "../../ui/virtual-list.js";
import { ROW, headElement, remaining, rowElement } from "./row.js";

/** Rows below the view that are loaded ahead. */
const AHEAD = 300;

/** @param {Place} place */
export function keyGrid(place, { onopen, ondelete, onexpire, onchange }) {
	const refresh = () => {
		const { rows, wanted } = place;
		if (wanted !== null && rows[0]?.kind !== "more") {
			place.wanted = null;
			return activate(place.find(wanted));
		}
		place.active = Math.max(0, Math.min(place.active, rows.length - 1));
		element.ariaRowCount = String(rows.at(-1)?.kind === "more" ? -1 : rows.length + 1);
		onchange();
		list.setCount(rows.length);
	};

	/** Makes a row the active one, and selects the rows up to it if wanted. */
	const activate = (index, extend = false) => {
		place.active = Math.max(0, Math.min(index, place.rows.length - 1));
		if (extend) place.select(place.anchor, place.active);
		else place.anchor = place.active;
		refresh();
		list.scrollTo(place.active);
	};

	const open = (row) => {
		if (row.kind === "key") return onopen(row.key);
		if (row.kind === "prefix") return place.toggle(row);
		row.error = null;
		refresh();
	};

	const toggleSelected = ({ kind, key }) => {
		if (kind === "key" && !place.selected.delete(key)) place.selected.add(key);
		refresh();
	};

	const onkeydown = (event) => {
		const { active: at, rows } = place;
		const row = rows[at];
		if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
		const isOpen = row.kind === "prefix" && row.isOpen;
		const page = Math.floor(element.clientHeight / ROW) - 2;
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page,
			PageUp: at - page, Home: 0, End: Infinity }[event.key];
		const action = to === undefined ? {
			ArrowRight: () => isOpen ? activate(at + 1) : row.kind === "prefix" && open(row),
			ArrowLeft: () => isOpen ? open(row) : row.depth > 0 && activate(
				rows.findLastIndex(({ depth }, i) => i < at && depth < row.depth)),
			Enter: () => open(row),
			" ": () => toggleSelected(row),
			Delete: () => ondelete(row),
		}[event.key] : () => activate(to, event.shiftKey);
		if (!action) return;
		event.preventDefault();
		action();
	};

	const onclick = (event) => {
		const { target, shiftKey } = event;
		const at = Number(target.closest("[aria-rowindex]")?.ariaRowIndex) - 2;
		const row = place.rows[at];
		const isCheck = target.matches("input");
		if (isCheck && at === -1) {
			place.selected.clear();
			if (target.checked) place.select(0, Infinity);
			return refresh();
		}
		// with Ctrl the browser opens the link in another tab
		if (!row || event.ctrlKey || event.metaKey) return;
		if (!isCheck) event.preventDefault();
		element.focus({ preventScroll: true });
		activate(at, shiftKey);
		if (shiftKey) return;
		if (isCheck) toggleSelected(row);
		else if (row.kind === "prefix" && target.closest("button")) ondelete(row);
		else open(row);
	};

	const onshow = (first, last) => {
		const { active } = place;
		Object.assign(place, { top: list.top(), last });
		const isShown = first <= active && active < last;
		element.setAttribute("aria-activedescendant", isShown ? `row-${active}` : "");
		for (const row of place.rows.slice(first, last + AHEAD)) {
			if (row.kind === "more" && !row.isLoading && row.error === null) place.load(row);
		}
	};

	const countDown = () => list.rows().forEach((made, index) => {
		const row = place.rows[index];
		made.querySelector(".ttl")?.replaceChildren(remaining(row));
		if (row?.kind !== "key" || row.expires > Date.now()) return;
		row.expires = Infinity;
		onexpire(row.key);
	});

	const element = h("div.key-grid", { role: place.isTree ? "treegrid" : "grid",
		tabindex: 0, "aria-label": t("Keys", "Ключи"), "aria-multiselectable": "true",
		onkeydown, onclick }, headElement());
	const { signal } = place;
	const list = virtualList(element, { rowHeight: ROW, inset: ROW, signal, onshow,
		renderRow: (index) => rowElement(place, index) });
	const timer = setInterval(countDown, 1000);
	signal.addEventListener("abort", () => clearInterval(timer));
	place.onchange = refresh;
	list.moveTo(place.top);
	return { element, refresh };
}
