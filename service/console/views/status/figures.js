// The figures of the store, in groups.
import { t, tn } from "../../locale/index.js";
import { count, duration, size } from "../../text/format.js";
import { h } from "../../ui/dom.js";

/** @typedef {import("../../api/admin.js").State} State */
/** @typedef {{element: HTMLElement, update: (state: State) => void}} Part */

/** @returns {Part} */
export function figures() {
  const groups = [
    group(t("Data"), [
      figure(t("Keys"), ({ keys }) => count(keys)),
      figure(t("Keys that expire"), ({ expiring }) => count(expiring)),
      figure(t("Revision"), ({ revision }) => count(revision)),
      figure(t("Accounts"), ({ accounts }) => count(accounts)),
      figure(t("Idempotency records"), ({ idempotency: { records, bytes } }) =>
        `${count(records)}, ${size(bytes)}`),
    ]),
    group(t("Memory"), [
      meter(t("Memory used"), ({ memory }) => [memory.used, memory.limit]),
      figure(t("Allocated"), ({ memory }) => size(memory.allocated)),
    ]),
    group(t("Change log"), [
      meter(t("Change log used"), ({ changes }) => [changes.bytes, changes.limit]),
      figure(t("Writes"), ({ changes }) =>
        changes.enabled ? count(changes.writes) : t("The change log is off.")),
      figure(t("Reaches back to revision"), ({ changes }) => count(changes.oldest)),
    ]),
    group(t("Disk"), [
      figure(t("Write-ahead log"), ({ wal }) => `${wal.mode}, ${files(wal)}`),
      figure(t("Snapshots"), ({ snapshots }) => files(snapshots)),
      figure(t("Last snapshot"), ({ snapshots: { newest } }) => newest === null
        ? t("none yet")
        : t("{duration} ago", { duration: duration(Date.now() / 1000 - newest) })),
    ]),
    group(t("Software"), [
      figure(t("Service"), ({ version }) => version),
      figure(t("Tarantool"), ({ tarantool }) => tarantool.version),
      figure(t("Uptime of Tarantool"), ({ tarantool }) => duration(tarantool.uptime)),
    ]),
  ];
  const update = (/** @type {State} */ state) => groups.forEach((each) => each.update(state));
  return { element: h("div", { class: "figures" }, groups.map(({ element }) => element)), update };
}

/** @param {import("../../api/admin.js").Files} found */
const files = ({ files: n, bytes }) => `${tn("{n} file", "{n} files", n)}, ${size(bytes)}`;

/** @param {string} title @param {Part[]} parts @returns {Part} */
function group(title, parts) {
  const element = h("section", { class: "card" }, h("h2", null, title),
    h("dl", null, parts.map((part) => part.element)));
  return { element, update: (state) => parts.forEach((part) => part.update(state)) };
}

/** @param {string} label @param {(state: State) => string} text @returns {Part} */
function figure(label, text) {
  const value = h("dd");
  return { element: h("div", null, h("dt", null, label), value), update: (state) => {
    const now = text(state);
    if (value.textContent !== now) {
      value.textContent = now;
    }
  } };
}

/**
 * A part of a limit.
 * @param {string} label @param {(state: State) => [number, number]} part @returns {Part}
 */
function meter(label, part) {
  const bar = h("meter", { "aria-label": label, min: 0, max: 1, high: 0.85, optimum: 0 });
  const text = figure(label, (state) => {
    const [used, limit] = part(state);
    bar.value = limit === 0 ? 0 : used / limit;
    return t("{used} of {limit}", { used: size(used), limit: size(limit) });
  });
  text.element.append(h("dd", { class: "bar" }, bar));
  return text;
}
