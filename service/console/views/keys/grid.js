// The list as a grid: the focus is on the grid, and one row is the active one.
import { t } from "../../locale.js";
import { attempt, h } from "../../ui/index.js";
import { ROW, virtualList } from "../../ui/virtual-list.js";
import { headElement, remaining, rowElement } from "./row.js";

/** @param {Place} place */
export function keyGrid(place, { onopen, ondelete, onchange }) {
	const { signal, isTree, selected } = place;

	const refresh = () => {
		const { rows } = place;
		place.active = Math.max(0, Math.min(place.active, rows.length - 1));
		element.ariaRowCount = String(rows.at(-1)?.kind === "more" ? -1 : rows.length + 1);
		onchange();
		list.setCount(rows.length);
	};

	const select = ({ kind, key }) => kind === "key" && selected.add(key);

	/** Makes a row the active one. `extend` selects the rows up to it. */
	const activate = (index, extend = false) => {
		place.active = index;
		refresh();
		const { active, rows } = place;
		if (!extend) place.anchor = active;
		const [first = 0, last = 0] = [place.anchor, active].sort((a, b) => a - b);
		if (extend) rows.slice(first, last + 1).forEach(select);
		if (extend) refresh();
		list.scrollTo(active);
	};

	/** Opens a row, or selects it. */
	const open = (row, isSelection = false) => {
		if (row.kind === "prefix") return place.toggle(row);
		if (row.kind === "more") row.error = null;
		else if (!isSelection) return onopen(row.key);
		else if (!selected.delete(row.key)) select(row);
		refresh();
	};

	const onkeydown = (event) => {
		const { active: at, rows } = place;
		const row = rows[at];
		if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
		const { isOpen } = row;
		const page = Math.floor(element.clientHeight / ROW) - 2;
		const go = (to) => () => activate(to, event.shiftKey);
		const action = {
			ArrowDown: go(at + 1), ArrowUp: go(at - 1), PageDown: go(at + page),
			PageUp: go(at - page), Home: go(0), End: go(Infinity),
			ArrowRight: () => isOpen ? activate(at + 1) : row.kind === "prefix" && open(row),
			ArrowLeft: () => isOpen ? open(row) : row.depth > 0 && activate(
				rows.findLastIndex(({ depth }, i) => i < at && depth < row.depth)),
			Enter: () => open(row), " ": () => open(row, true), Delete: () => ondelete(row),
		}[event.key];
		if (!action) return;
		event.preventDefault();
		action();
	};

	const onclick = (event) => {
		const at = Number(event.target.closest("[aria-rowindex]")?.ariaRowIndex) - 2;
		const row = place.rows[at];
		if (!row || event.ctrlKey || event.metaKey) return; // may open another tab
		const isCheck = event.target.matches("input");
		if (!isCheck) event.preventDefault();
		element.focus({ preventScroll: true });
		activate(at, event.shiftKey);
		if (event.shiftKey) return;
		if (row.kind === "prefix" && event.target.closest("button")) ondelete(row);
		else open(row, isCheck);
	};

	const onshow = (first, last) => {
		place.last = last;
		element.setAttribute("aria-activedescendant", `row-${place.active}`);
		for (const row of place.rows.slice(first, last + 300)) {
			if (row.kind === "more" && !row.isLoading && row.error === null) place.load(row);
		}
	};

	const timer = setInterval(() => list.rows.forEach((made, index) => {
		const row = place.rows[index];
		made.querySelector(".ttl")?.replaceChildren(remaining(row));
		if (row && row.expires <= Date.now()) {
			row.expires = Infinity;
			attempt(() => place.reread(row.key));
		}
	}), 1000);
	signal.addEventListener("abort", () => clearInterval(timer));

	const element = h("div.key-grid", { role: isTree ? "treegrid" : "grid", tabindex: 0,
		"aria-label": t("Keys", "Ключи"), "aria-multiselectable": "true",
		onkeydown, onclick }, headElement());
	const list = virtualList(element,
		{ place, signal, onshow, renderRow: (index) => rowElement(place, index) });
	place.onchange = refresh;
	return element;
}
