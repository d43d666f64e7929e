// The head of the value pane: the key, its size, its revision, its lifetime, warnings.
import { t } from "../../../locale/index.js";
import { duration, size } from "../../../text/format.js";
import { describe } from "../../../text/problems.js";
import { h } from "../../../ui/dom.js";
import { icon } from "../../../ui/icon.js";
import { ask, lifetimeField, openNewKey } from "./new-key.js";

/** @import {Entry} from "./entry.js" */
/** @import {Pane} from "./pane.js" */

/** The key, with links to its prefixes. @param {Pane} pane */
export function heading({ options: { key, onclose } }) {
  const parts = key.split(/(?<=\/)/);
  const links = parts.map((part, index) => {
    const prefix = encodeURIComponent(parts.slice(0, index + 1).join(""));
    const name = h("bdi", null, part);
    return index < parts.length - 1 ? h("a", { href: `#/keys?prefix=${prefix}` }, name) : name;
  });
  return h("header", null, h("h2", { class: "mono" }, links),
    h("button", { type: "button", class: "quiet", "aria-label": t("Close"),
      onclick: onclose }, icon("close")));
}

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
export function facts(pane, entry, signal) {
  const change = (/** @type {string} */ label, /** @type {() => void} */ onclick) =>
    !pane.isEditing && entry.isWritable && !entry.isExpired
      && h("button", { type: "button", class: "link", onclick }, label);
  const askLifetime = () => {
    const { element, seconds } = lifetimeField(true);
    ask(t("Lifetime"), t("Set"), element,
      () => pane.apply(() => entry.write(entry.text, seconds())));
  };
  const persist = () =>
    pane.apply(() => entry.write(entry.text, null)).catch((error) => pane.fail(error));
  const { revision } = entry;
  return h("div", { class: "toolbar muted" }, h("span", null, size(entry.size)),
    revision !== null && h("span", null, t("Revision {revision}", { revision })),
    !entry.isWritable && h("span", { class: "badge" }, t("Read only")),
    entry.ttl === null ? change(t("Set a lifetime…"), askLifetime)
      : [countdown(pane, entry, signal), change(t("Extend…"), askLifetime),
        change(t("Persist"), persist)]);
}

/** @param {Pane} pane @param {Entry} entry @param {AbortSignal} signal */
function countdown(pane, entry, signal) {
  const element = h("span", { role: "timer" });
  const show = () => (element.textContent = entry.isExpired ? t("Expired")
    : t("Expires in {time}", { time: duration(Math.ceil(entry.ttl ?? 0)) }));
  const timer = setInterval(() => {
    show();
    if (!entry.isExpired) return;
    clearInterval(timer);
    if (pane.isEditing) pane.report();
    else pane.show();
  }, 500);
  signal.addEventListener("abort", () => clearInterval(timer));
  show();
  return element;
}

/** That what is shown is out of date, if it is. @param {Pane} pane */
export function warning(pane) {
  const { entry, newest: { revision, isDeleted } } = pane;
  const banner = (/** @type {import("../../../ui/dom.js").Child[]} */ ...says) =>
    h("p", { class: "banner" }, icon("warning"), says);
  const isGone = !entry?.revision || entry.isExpired;
  if (revision > (entry?.revision ?? 0) && !(isDeleted && isGone)) {
    return banner(isDeleted ? t("Deleted by another client at revision {revision}.", { revision })
      : t("Changed by another client at revision {revision}.", { revision }),
    pane.isEditing ? t("Saving will show the conflict.")
      : h("button", { type: "button", onclick: () => pane.load() }, t("Show")));
  }
  return entry?.isExpired && banner(t("This key has expired. This was its last value."));
}

/** That there is no value, or why not. @param {Pane} pane @param {unknown} [error] */
export function trouble(pane, error) {
  const { key, onwritten, onopen } = pane.options;
  const oncreated = (/** @type {string} */ name) => {
    onwritten(name);
    if (name === key) pane.load();
    else onopen(name);
  };
  const create = () => openNewKey({ prefix: key, oncreated });
  return h("div", { class: "empty", role: error ? "alert" : null },
    h("p", null, error ? describe(error) : t("This key does not exist.")),
    h("button", { type: "button", onclick: error ? () => pane.load() : create },
      error ? t("Try again") : t("Create it")));
}
