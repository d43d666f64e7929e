// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { addressOf, parseAddress } from "./address.js";
import { hint, malformed } from "./empty.js";
import { List } from "./list.js";
import { placeOf } from "./place.js";
import { tools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

/** @typedef {import("./place.js").Place} Place */

/** @type {import("../../app/open-view.js").View} */
export function keysView(context) {
  const { signal } = context;
  /** @type {Place} */
  let place;
  /** @type {List | null} */
  let list = null;
  /** @type {string | null | undefined} */
  let shownKey;
  let leaveList = new AbortController();
  let leaveKey = new AbortController();
  const options = {
    signal,
    onopen: (/** @type {string | null} */ key) => go(addressOf({ ...place, key })),
    onclose: () => options.onopen(null),
    onwritten: (/** @type {string} */ key) => list?.reread(key),
    onremoved: (/** @type {string} */ key) => {
      list?.reread(key);
      options.onclose();
    },
    oncreated: (/** @type {string} */ key) => {
      list?.reread(key);
      options.onopen(key);
    },
    onnew: () => openNewKey({ ...options, prefix: place.prefix }),
    onrefresh: async () => list?.refresh(),
    onfocus: () => list?.grid.element.focus(),
    onchange: (/** @type {string} */ prefix, /** @type {boolean} */ isTree) =>
      show(placeOf({ key: place.key, prefix, isTree })),
  };

  const show = (/** @type {Place} */ wanted) => {
    replaceAddress(addressOf(wanted));
    bar.show(wanted);
    if (list !== null && wanted === place) {
      return list.grid.refresh();
    }
    place = wanted;
    const { top } = place;
    leaveList.abort();
    leaveList = new AbortController();
    list = new List(place, { ...options, signal: AbortSignal.any([signal, leaveList.signal]) });
    fill(body, list.elements);
    list.grid.refresh();
    list.grid.list.moveTo(top);
  };

  const showKey = (/** @type {string | null} */ key) => {
    if (key !== shownKey) {
      leaveKey.abort();
      leaveKey = new AbortController();
      shownKey = key;
      fill(pane, key === null ? hint()
        : showValue({ ...options, key, signal: AbortSignal.any([signal, leaveKey.signal]) }));
    }
    element.classList.toggle("has-key", key !== null);
  };

  const update = (/** @type {import("../../app/open-view.js").Context} */ next) => {
    try {
      const address = parseAddress(next);
      show(placeOf(address));
      showKey(address.key);
    } catch {
      shownKey = undefined;
      fill(pane, malformed());
      element.classList.add("has-key");
    }
  };

  const bar = tools(options);
  const body = h("div", { class: "keys-body" });
  const pane = h("section", { class: "keys-value", "aria-label": t("Value"), tabindex: -1 });
  const element = h("div", { class: "keys" },
    h("section", { class: "keys-list", "aria-label": t("Keys") }, bar.element, body), pane);
  const listed = { "↑ ↓ Home End": t("Move in the list"), "← →": t("Close or open a prefix"),
    "Space": t("Select"), "Enter": t("Open") };
  for (const [key, label] of Object.entries(listed)) {
    shortcut(key, label, () => {}, signal); // the grid runs them
  }
  update(context);
  return { element, update };
}
