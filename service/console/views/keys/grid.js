// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale.js";
import { attempt, h } from "../../ui/index.js";
import { ROW, virtualList } from "../../ui/virtual-list.js";
import { headElement, remaining, rowElement } from "./row.js";

/** @param {Place} place */
export function keyGrid(place, { onopen, ondelete, onchange }) {
	const { selected } = place;

	place.onchange = () => {
		const { rows } = place;
		place.active = Math.max(0, Math.min(place.active, rows.length - 1));
		element.ariaRowCount = String(rows.at(-1)?.kind === "more" ? -1 : rows.length + 1);
		onchange();
		list.refresh();
	};

	/** Makes a row the active one. `extend`: selects the rows up to it. */
	const activate = (index, extend) => {
		const from = place.active;
		const to = place.active = Math.max(0, index);
		const range = place.rows.slice(Math.min(from, to), Math.max(from, to) + 1);
		if (extend) range.forEach(({ kind, key }) => kind === "key" && selected.add(key));
		place.onchange();
		list.scrollTo(place.active);
	};

	/** Opens a row, or selects it. */
	const open = (row, isSelection) => {
		const { kind, key } = row;
		if (kind === "prefix") return place.toggle(row);
		if (kind === "more") row.error = undefined;
		else if (!isSelection) return onopen(key);
		else if (!selected.delete(key)) selected.add(key);
		place.onchange();
	};

	const onkeydown = (event) => {
		const { active: at, rows } = place;
		const row = rows[at];
		if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
		const page = Math.floor(element.clientHeight / ROW) - 2;
		const go = (to) => () => activate(to, event.shiftKey);
		const action = {
			ArrowDown: go(at + 1), ArrowUp: go(at - 1), PageDown: go(at + page),
			PageUp: go(at - page), Home: go(0), End: go(Infinity),
			ArrowRight: () => row.isOpen ? activate(at + 1)
				: row.kind === "prefix" && open(row),
			ArrowLeft: () => row.isOpen ? open(row) : row.depth > 0 && activate(
				rows.findLastIndex(({ depth }, i) => i < at && depth < row.depth)),
			Enter: () => open(row), " ": () => open(row, true), Delete: () => ondelete(row),
		}[event.key];
		if (!action) return;
		event.preventDefault();
		action();
	};

	const onclick = (event) => {
		const { target, shiftKey } = event;
		const at = Number(target.closest("[aria-rowindex]")?.ariaRowIndex) - 2;
		const row = place.rows[at];
		if (!row || event.ctrlKey || event.metaKey) return; // may open another tab
		const isCheck = target.matches("input");
		if (!isCheck) event.preventDefault();
		element.focus({ preventScroll: true });
		activate(at, shiftKey);
		if (shiftKey) return;
		if (row.kind === "prefix" && target.closest("button")) ondelete(row);
		else open(row, isCheck);
	};

	const onshow = (first, last) => {
		place.last = last;
		element.setAttribute("aria-activedescendant", `row-${place.active}`);
		for (const row of place.rows.slice(first, last + 300)) {
			if (row.kind === "more" && row.error === undefined) place.load(row);
		}
	};

	const element = h("div.key-grid", { role: place.isTree ? "treegrid" : "grid", tabindex: 0,
		"aria-label": t("Keys", "Ключи"), "aria-multiselectable": "true",
		onkeydown, onclick }, headElement());
	const list = virtualList(element,
		{ place, onshow, renderRow: (index) => rowElement(place, index) });
	const timer = setInterval(() => {
		if (!element.isConnected) clearInterval(timer);
		list.rows.forEach((made, index) => {
			const row = place.rows[index];
			made.querySelector(".ttl")?.replaceChildren(remaining(row));
			if (!(row?.expires <= Date.now())) return;
			row.expires = Infinity;
			attempt(() => place.reread(row.key));
		});
	}, 1000);
	return element;
}
