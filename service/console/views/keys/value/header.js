// The head of the value pane: the key, its size, its revision, its remaining time.
import { t } from "../../../locale/index.js";
import { duration, size } from "../../../text/format.js";
import { h } from "../../../ui/dom.js";
import { icon } from "../../../ui/icon.js";
import { askLifetime } from "./lifetime.js";

/** @typedef {import("./pane.js").Pane} Pane */
/** @typedef {import("./entry.js").Entry} Entry */

/** The key, with links to its prefixes. @param {Pane} pane */
export function heading({ options: { key, onclose } }) {
  const parts = key.split(/(?<=\/)/);
  let prefix = "";
  const links = parts.slice(0, -1).map((part) => {
    prefix += part;
    const href = `#/keys?prefix=${encodeURIComponent(prefix)}`;
    return h("a", { href }, h("bdi", null, part));
  });
  return h("header", null,
    h("h2", { class: "mono" }, links, h("bdi", null, parts.at(-1))),
    h("button", { type: "button", class: "quiet", "aria-label": t("Close"),
      onclick: onclose }, icon("close")));
}

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
export function facts(pane, entry, signal) {
  const { revision, ttl, isExpired, isWritable } = entry;
  const change = (/** @type {string} */ label, /** @type {() => void} */ onclick) =>
    !pane.isEditing && !isExpired && isWritable
      && h("button", { type: "button", class: "link", onclick }, label);
  const persist = () =>
    pane.apply(() => entry.write(entry.text, null)).catch((error) => pane.fail(error));
  return h("div", { class: "toolbar muted" }, h("span", null, size(entry.size)),
    revision !== null && h("span", null, t("Revision {revision}", { revision })),
    !isWritable && h("span", { class: "badge" }, t("Read only")),
    ttl === null
      ? change(t("Set a lifetime…"), () => askLifetime(pane, entry))
      : [countdown(pane, entry, signal),
        change(t("Extend…"), () => askLifetime(pane, entry)), change(t("Persist"), persist)]);
}

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
function countdown(pane, entry, signal) {
  const element = h("span", { role: "timer" });
  const show = () => {
    const time = duration(Math.ceil(entry.ttl ?? 0));
    element.textContent = entry.isExpired ? t("Expired") : t("Expires in {time}", { time });
  };
  const tick = () => {
    show();
    if (!entry.isExpired) return;
    clearInterval(timer);
    if (pane.isEditing) pane.mark();
    else pane.show();
  };
  const timer = entry.isExpired ? 0 : setInterval(tick, 500);
  signal.addEventListener("abort", () => clearInterval(timer));
  show();
  return element;
}
