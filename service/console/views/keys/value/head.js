// The head of the value pane: the key, its size, its revision, its lifetime, warnings.
import { t } from "../../../locale/index.js";
import { duration, size } from "../../../text/format.js";
import { describe } from "../../../text/problems.js";
import { h } from "../../../ui/dom.js";
import { icon } from "../../../ui/icon.js";
import { ask, lifetimeField, openNewKey } from "./new-key.js";
import { button } from "./parts.js";

/** @import {Entry} from "./entry.js" */
/** @import {Pane} from "./index.js" */

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
  const { text, revision } = entry;
  /** @param {string} label @param {() => unknown} run */
  const change = (label, run) =>
    !pane.isEditing && !entry.isExpired && button(label, run, "", "link");
  const live = async (/** @type {number | null} */ ttl) =>
    pane.written(await entry.write(text, ttl));
  const askLifetime = () => {
    const { element, seconds } = lifetimeField(true);
    ask(t("Lifetime"), t("Set"), element, () => live(seconds()));
  };
  return h("div", { class: "toolbar muted" }, h("span", null, size(entry.size)),
    revision !== null && h("span", null, t("Revision {n}", { n: revision })),
    entry.ttl === null ? change(t("Set a lifetime…"), askLifetime)
      : [countdown(pane, entry, signal), change(t("Extend…"), askLifetime),
        change(t("Persist"), () => live(null))]);
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
      : t("Changed by another client at revision {revision}.", { revision }), " ",
    pane.isEditing ? t("Saving will show the conflict.")
      : button(t("Show"), () => pane.load()));
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
    error ? button(t("Try again"), () => pane.load()) : button(t("Create it"), create));
}
