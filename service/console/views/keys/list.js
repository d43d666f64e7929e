// The list's pane: its prefix, the grid, its state in words, and what it deletes.
import { hasCode } from "../../api/problem.js";
import { t, tn } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";
import { forbidden, nothing, statusText } from "./empty.js";
import { Grid } from "./grid.js";
import { drop, reload, reread } from "./reload.js";
import { removeKeys, removePrefix } from "./remove.js";
import { isKey, isPrefix } from "./rows.js";

/** @typedef {import("./place.js").Place} Place */

/**
 * @param {Place} place
 * @param {{signal: AbortSignal, onopen: (key: string) => void, onnew: () => void,
 *   onclose: () => void}} options
 */
export function showList(place, { signal, onopen, onnew, onclose }) {
  const { rows, selected, prefix } = place;
  const failed = (/** @type {unknown} */ error) => {
    if (!signal.aborted) {
      notify(describe(error), { kind: "error" });
    }
  };
  const refresh = async () => {
    const key = rows.all[place.active]?.key;
    const end = () => (place.top + grid.element.clientHeight) / 32;
    await reload(rows, end, signal).catch(failed);
    const at = rows.all.findIndex((row) => row.key === key);
    place.active = at === -1 ? place.active : at;
    grid.refresh();
  };
  const changed = async (/** @type {string} */ key) => {
    if (!await reread(rows, key, signal).catch(failed)) {
      await refresh();
    }
  };
  const remove = async (/** @type {string[]} */ keys) => {
    const gone = await removeKeys(keys);
    gone.forEach((key) => selected.delete(key));
    if (place.key !== null && gone.has(place.key)) {
      onclose();
    }
    if (!place.isTree) {
      drop(rows, gone);
      grid.refresh();
    } else if (gone.size > 0) {
      await refresh();
    }
  };
  const removeAll = async (/** @type {string} */ below) => {
    if (await removePrefix(below)) {
      selected.clear();
      await refresh();
    }
  };
  const ondelete = (/** @type {import("./rows.js").Row} */ row) => isPrefix(row)
    ? removeAll(row.key) : selected.size > 0 ? remove([...selected])
      : isKey(row) && remove([row.key]);
  const empty = h("div", { class: "empty" });
  const status = h("p", { role: "status" });
  const buttons = h("div", { class: "toolbar end" });
  let shown = -1;
  const onchange = () => {
    const isEmpty = rows.all.length === 0 || hasCode(rows.root.error, "forbidden");
    grid.element.hidden = isEmpty;
    empty.hidden = !isEmpty;
    if (isEmpty) {
      fill(empty, rows.root.error ? forbidden(place) : nothing(place, onnew));
    }
    status.textContent = statusText(place);
    if (shown !== selected.size) {
      shown = selected.size;
      fill(buttons, shown > 0 ? selection() : all);
    }
    all.hidden = isEmpty;
  };
  const clear = () => {
    selected.clear();
    grid.refresh();
    grid.element.focus();
  };
  const selection = () => [
    h("button", { type: "button", onclick: clear }, t("Clear the selection")),
    h("button", { type: "button", class: "danger", onclick: () => remove([...selected]) },
      tn("Delete {n} key", "Delete {n} keys", selected.size))];
  const all = h("button", { type: "button", class: "link",
    onclick: () => removeAll(prefix) }, t("Delete all keys with this prefix…"));
  const grid = new Grid(place, { signal, onopen, onchange, ondelete, onexpire: changed });
  const element = [grid.element, empty, h("div", { class: "toolbar foot" }, status, buttons)];
  return { element, grid, refresh, changed };
}
