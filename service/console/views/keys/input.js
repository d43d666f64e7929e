// What keys and clicks do in the list.
import { isKey, isPrefix } from "./rows.js";

/** @typedef {import("./grid.js").Grid} Grid */

/** @param {Grid} grid @param {number} index */
function open(grid, index) {
  const row = grid.row(index);
  if (isKey(row)) {
    grid.options.onopen(row.key);
  } else if (isPrefix(row)) {
    grid.place.rows.toggle(index);
  } else if (row) {
    row.level.error = null;
    grid.refresh();
  }
}

/** @param {Grid} grid @param {number} index */
function toggleSelected(grid, index) {
  const row = grid.row(index);
  const { selected } = grid.place;
  if (isKey(row) && !selected.delete(row.key)) {
    selected.add(row.key);
  }
  grid.refresh();
}

/** To the prefix of a row. @param {Grid} grid @param {number} index */
function parentOf(grid, index) {
  const { level } = grid.row(index);
  return grid.place.rows.all.findIndex((row) => isPrefix(row) && row.inner === level);
}

/** @param {Grid} grid */
export function listenToKeys(grid) {
  const { element, place, list } = grid;
  element.addEventListener("keydown", (event) => {
    const at = place.active;
    const row = grid.row(at);
    const isOpen = isPrefix(row) && row.inner !== null;
    const page = Math.floor(element.clientHeight / list.options.rowHeight) - 2;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowDown: () => grid.activate(at + 1, event.shiftKey),
      ArrowUp: () => grid.activate(at - 1, event.shiftKey),
      PageDown: () => grid.activate(at + page, event.shiftKey),
      PageUp: () => grid.activate(at - page, event.shiftKey),
      Home: () => grid.activate(0, event.shiftKey),
      End: () => grid.activate(list.count - 1, event.shiftKey),
      ArrowRight: () => isOpen ? grid.activate(at + 1) : isPrefix(row) && open(grid, at),
      ArrowLeft: () => isOpen ? open(grid, at) : grid.activate(Math.max(parentOf(grid, at), 0)),
      Enter: () => open(grid, at),
      " ": () => event.shiftKey ? grid.select(place.anchor, at) : toggleSelected(grid, at),
      Delete: () => row && grid.options.ondelete(row),
    };
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
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
    const index = Number(target.closest("[aria-rowindex]")?.getAttribute("aria-rowindex")) - 2;
    if (target instanceof HTMLInputElement && index === -1) {
      place.selected.clear();
      return target.checked ? grid.select(0, Infinity) : grid.refresh();
    }
    const row = grid.row(index);
    if (!row || event.ctrlKey || event.metaKey) {
      return; // the browser opens the link in another tab
    }
    element.focus({ preventScroll: true });
    const { anchor } = place;
    grid.activate(index);
    if (event.shiftKey) {
      event.preventDefault();
      place.anchor = anchor;
      grid.select(anchor, index);
    } else if (target instanceof HTMLInputElement) {
      toggleSelected(grid, index);
    } else if (isPrefix(row) && target.closest("button")) {
      grid.options.ondelete(row);
    } else {
      event.preventDefault();
      open(grid, index);
    }
  });
}
