// Live changes of a prefix: #/live?prefix=…&since=…
import { followChanges } from "../../api/live.js";
import { go } from "../../app/router.js";
import { shortcut } from "../../app/shortcuts.js";
import { t } from "../../locale/index.js";
import { fill, h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";
import { icon } from "../../ui/icon.js";
import { ChangeList, KEPT, rowsOf } from "./list.js";
import { ended, stateBadge } from "./state.js";

/** @param {import("../../app/router.js").Context} context */
export function liveView(context) {
  const { query, signal } = context;
  const list = new ChangeList();
  /** The rows that have arrived while paused. @type {import("./list.js").Row[]} */
  let held = [];
  let isPaused = false;
  let connection = new AbortController();
  /** @type {number | null} */
  let position = null;

  const prefix = field({ label: t("Prefix"), name: "prefix", spellcheck: "false",
    autocomplete: "off", autocapitalize: "none", class: "mono" });
  const since = field({ label: t("After revision"), name: "since", inputmode: "numeric",
    pattern: "[0-9]{1,15}", autocomplete: "off", placeholder: t("from now on") });
  const filter = field({ label: t("Filter"), type: "search", placeholder: t("text in the key"),
    spellcheck: "false", oninput: () => {
      list.filter = filter.input.value;
      list.redraw();
    } });
  const status = h("div", { class: "toolbar", role: "status" });
  const problem = h("div", { role: "alert" });
  const pause = h("button", { type: "button", onclick: () => setPaused(!isPaused) });
  const clear = h("button", { type: "button", onclick: () => list.clear() }, t("Clear"));

  /** @param {number | null} from */
  const follow = (from) => {
    connection.abort();
    connection = new AbortController();
    const { value } = prefix.input;
    followChanges({ prefix: value, since: from, onchange, onstate,
      signal: AbortSignal.any([signal, connection.signal]) });
  };
  /** @param {import("../../api/live.js").Change} change */
  const onchange = (change) => {
    if (!isPaused) return list.add(rowsOf(change));
    held.push(...rowsOf(change));
    showPause();
    // the rest stays in the change log until it is resumed
    if (held.length >= KEPT) connection.abort();
  };
  let wasLost = false;
  /** @type {import("../../api/live.js").OnState} */
  const onstate = (state, why, revision = null) => {
    position = revision;
    fill(status, stateBadge(state), state === "open" && wasLost
      && t("Resumed after revision {revision}.", { revision: String(revision) }));
    wasLost = state === "waiting" || (wasLost && state === "connecting");
    fill(problem, state === "ended" && ended(why, () => start(query), address));
  };
  /** @param {boolean} value */
  const setPaused = (value) => {
    isPaused = value;
    if (!isPaused) {
      list.add(held);
      held = [];
      if (connection.signal.aborted) follow(position);
    }
    showPause();
  };
  const showPause = () => fill(pause, icon(isPaused ? "play" : "pause"), isPaused
    ? t("Resume ({n})", { n: `${held.length}${held.length < KEPT ? "" : "+"}` }) : t("Pause"));
  /** @param {string | number} from */
  const address = (from) =>
    `#/live?${new URLSearchParams({ prefix: prefix.input.value, since: String(from) })}`;
  /** Follows what the address says. @param {URLSearchParams} query */
  const start = (query) => {
    prefix.input.value = query.get("prefix") ?? "";
    since.input.value = query.get("since") ?? "";
    held = [];
    list.clear();
    setPaused(false);
    follow(since.input.value ? Number(since.input.value) : null);
  };
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const hash = address(since.input.value);
    if (hash === location.hash) start(new URLSearchParams(hash.split("?")[1]));
    else go(hash);
  };
  shortcut("p", t("Pause or resume"), () => setPaused(!isPaused), signal);
  shortcut("/", t("Filter"), () => filter.input.focus(), signal);
  start(query);
  const element = h("div", { class: "view" }, h("h1", null, t("Live changes")),
    h("form", { class: "toolbar", onsubmit }, prefix.element, since.element,
      h("button", { class: "primary" }, t("Follow"))),
    h("div", { class: "toolbar" }, filter.element, status,
      h("div", { class: "toolbar end" }, pause, clear)),
    problem, list.element);
  return { element, update: (/** @type {typeof context} */ { query }) => start(query) };
}
