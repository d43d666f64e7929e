// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { addressOf, parseAddress } from "./address.js";
import { showList } from "./list.js";
import { placeOf } from "./place.js";
import { openTools } from "./tools.js";
import { showValue } from "./value/index.js";
import { openNewKey } from "./value/new-key.js";

/** @type {import("../../app/open-view.js").View} */
export function keysView(context) {
  const { signal } = context;
  const body = h("div", { class: "keys-body" });
  const pane = h("section", { class: "keys-value", "aria-label": t("Value"), tabindex: -1 });
  /** @type {import("./place.js").Place} */
  let place;
  /** @type {ReturnType<typeof showList>} */
  let list;
  let leaveList = new AbortController();
  let leaveKey = new AbortController();
  /** @type {string | null} */
  let shownKey = null;

  const onopen = (/** @type {string} */ key) => go(addressOf({ ...place, key }));
  const onclose = () => go(addressOf({ ...place, key: null }));
  const onnew = () => openNewKey({ prefix: place.prefix, oncreated: (key) => {
    list.changed(key);
    onopen(key);
  } });

  const showKey = (/** @type {string | null} */ key) => {
    element.classList.toggle("has-key", key !== null);
    if (key === shownKey && pane.hasChildNodes()) {
      return;
    }
    leaveKey.abort();
    leaveKey = new AbortController();
    shownKey = key;
    fill(pane, key === null ? hint() : showValue({ key, signal: leaveKey.signal, onopen, onclose,
      onwritten: (written) => list.changed(written),
      onremoved: (removed) => {
        list.changed(removed);
        onclose();
      } }));
  };

  /** @param {import("../../app/open-view.js").Context} next */
  const update = (next) => {
    let address;
    try {
      address = parseAddress(next);
    } catch {
      shownKey = null;
      fill(pane, malformed());
      return element.classList.add("has-key");
    }
    const wanted = placeOf(address);
    if (wanted !== place) {
      place = wanted;
      leaveList.abort();
      leaveList = new AbortController();
      list = showList(place, { signal: leaveList.signal, onopen, onnew, onclose });
      fill(body, list.element);
      tools.show(place);
    }
  };
}
