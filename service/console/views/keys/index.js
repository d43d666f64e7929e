// The keys: a list, and the value of a key next to it.
import { go, replaceAddress } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { addressOf, parseAddress } from "./address.js";
import { showList } from "./list.js";
import { placeOf } from "./place.js";
import { tools } from "./tools.js";
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
    show(placeOf(address));
    showKey(address.key);
  };

  /** @param {import("./place.js").Place} wanted */
  const show = (wanted) => {
    replaceAddress(addressOf(wanted));
    if (wanted !== place) {
      place = wanted;
      leaveList.abort();
      leaveList = new AbortController();
      list = showList(place, { signal: AbortSignal.any([signal, leaveList.signal]), onopen,
        onnew, onclose });
      fill(body, list.element);
      requestAnimationFrame(() => list.grid.restore());
    } else {
      list.grid.refresh();
    }
    bar.show(place);
  };

  const bar = tools({ signal, onnew, onrefresh: () => list.refresh(), onfocus: () => list.grid.element.focus(),
    onchange: (prefix, isTree) => show(placeOf({ key: shownKey, prefix, isTree })) });
  const element = h("div", { class: "keys" },
    h("section", { class: "keys-list", "aria-label": t("List of keys") }, bar.element, body), pane);
  listShortcuts(signal);
  signal.addEventListener("abort", () => leaveKey.abort());
  update(context);
  return { element, update };
}

const hint = () => h("div", { class: "empty" },
  h("p", null, t("Choose a key to see its value.")),
  h("p", null, h("kbd", null, "?"), " ", t("shows the keyboard shortcuts")));

const malformed = () => h("div", { class: "empty", role: "alert" },
  h("h2", null, t("This address is not valid")),
  h("p", null, t("The key in it is not encoded correctly. Choose a key from the list.")),
  h("a", { class: "button", href: "#/keys" }, t("Show the list")));

/** Lists the keys that the grid handles. @param {AbortSignal} signal */
function listShortcuts(signal) {
  const listed = (/** @type {string} */ key, /** @type {string} */ label) =>
    shortcut(key, label, () => {}, signal);
  listed("↑ ↓ Home End", t("Move in the list"));
  listed("← →", t("Close or open a prefix"));
  listed("Enter", t("Open the key"));
}
