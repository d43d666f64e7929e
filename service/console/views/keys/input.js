// What keys and clicks do in the list.
import { select } from "./place.js";
import { ROW } from "./row.js";
import { isKey, isPrefix } from "./rows.js";

/** @typedef {import("./grid.js").Grid} Grid */

/** @param {Grid} grid @param {number} at */
function open(grid, at) {
	const row = grid.row(at);
	if (isKey(row)) {
		grid.options.onopen(row.key);
	} else if (isPrefix(row)) {
		grid.place.rows.toggle(at, row);
	} else if (row) {
		row.level.error = null;
		grid.refresh();
	}
}

/** @param {Grid} grid @param {number} at */
function toggleSelected(grid, at) {
	const row = grid.row(at);
	const { selected } = grid.place;
	if (isKey(row) && !selected.delete(row.key)) selected.add(row.key);
	grid.refresh();
}

/** @param {Grid} grid */
export function listenToKeys(grid) {
	const { element, place } = grid;
	element.addEventListener("keydown", (event) => {
		const at = place.active;
		const row = grid.row(at);
		if (event.ctrlKey || event.metaKey || event.altKey || row === undefined) return;
		const isOpen = isPrefix(row) && row.inner !== null;
		const page = Math.floor(element.clientHeight / ROW) - 2;
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page,
			PageUp: at - page, Home: 0, End: Infinity }[event.key];
		const parent = () => place.rows.all.findIndex((other) =>
			isPrefix(other) && other.inner === row.level);
		/** @type {Record<string, () => void>} */
		const actions = {
			ArrowRight: () => isOpen ? grid.activate(at + 1)
				: isPrefix(row) && open(grid, at),
			ArrowLeft: () => isOpen ? open(grid, at) : grid.activate(parent()),
			Enter: () => open(grid, at),
			" ": () => toggleSelected(grid, at),
			Delete: () => grid.options.ondelete(row),
		};
		const action = to === undefined ? actions[event.key]
			: () => grid.activate(to, event.shiftKey);
		if (action) {
			event.preventDefault();
			action();
		}
	});
}

/** @param {Grid} grid */
export function listenToPointer(grid) {
	const { element, place } = grid;
	element.addEventListener("click", (event) => {
		const target = /** @type {Element} */ (event.target);
		const index = target.closest("[aria-rowindex]")?.getAttribute("aria-rowindex");
		const at = Number(index) - 2;
		const isCheck = target instanceof HTMLInputElement;
		if (isCheck && at === -1) {
			place.selected.clear();
			if (target.checked) select(place, 0, Infinity);
			return grid.refresh();
		}
		const row = grid.row(at);
		if (!row || event.ctrlKey || event.metaKey) {
			return; // the browser opens the link in another tab
		}
		element.focus({ preventScroll: true });
		const isButton = target.closest("button") !== null;
		if (!isCheck) event.preventDefault();
		grid.activate(at, event.shiftKey);
		if (event.shiftKey) return;
		if (isCheck) toggleSelected(grid, at);
		else if (isPrefix(row) && isButton) grid.options.ondelete(row);
		else open(grid, at);
	});
}
