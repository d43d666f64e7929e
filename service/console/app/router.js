// Shows the view of the address. A view is a function from its context to an element.
import { openView } from "./open-view.js";

/**
 * @typedef {import("./open-view.js").Context} Context
 * @typedef {import("./open-view.js").View} View
 * @typedef {import("./open-view.js").Opened} Opened
 * @typedef {{outlet: HTMLElement, setCurrent: (route: string) => void}} Frame
 */

let leave = new AbortController();
/** @type {Opened | null} */
let current = null;
/** @type {Frame | null} */
let frame = null;
/** The address that is shown, to return to it when the user does not want to leave. */
let shownHash = location.hash;
/** Asks whether the view may be left. */
let mayLeave = async () => true;

/** The address of a key. @param {string} key */
export const keyHref = (key) => `#/keys/${encodeURIComponent(key)}`;

/** @param {string} hash */
export function go(hash) {
  location.hash = hash;
}

/** Asks a user with unsaved work whether the view may be left. */
export const mayLeaveView = () => mayLeave();

/**
 * Has the user asked before the view is left, until `signal` is aborted.
 * @param {() => Promise<boolean>} ask
 * @param {AbortSignal} signal
 */
export function guardLeaving(ask, signal) {
  mayLeave = ask;
  signal.addEventListener("abort", () => (mayLeave = async () => true));
}

/**
 * Follows the address from now on. Nothing is shown before `setFrame`.
 * @param {Record<string, View>} routes by the first part of the path
 */
export function startRouter(routes) {
  addEventListener("hashchange", async () => {
    if (location.hash !== shownHash && !(await mayLeave())) {
      return history.replaceState(null, "", shownHash);
    }
    shownHash = location.hash;
    await show(routes);
  });
  showAnew = () => show(routes);
}

/** @type {() => Promise<void> | void} */
let showAnew = () => {};

/** Leaves the view, and shows it anew in a frame. @param {Frame | null} next */
export function setFrame(next) {
  leave.abort();
  current = null;
  frame = next;
  return showAnew();
}

/** @param {Record<string, View>} routes */
async function show(routes) {
  if (frame === null) {
    return;
  }
  const [address = "", search] = location.hash.replace(/^#\/?/, "").split("?");
  const isRoute = (/** @type {string} */ name) => `${address}/`.startsWith(`${name}/`);
  const name = Object.keys(routes).find(isRoute) ?? "";
  const view = routes[name];
  if (view === undefined) {
    return location.replace("#/keys");
  }
  const path = address.slice(name.length + 1);
  const query = new URLSearchParams(search);
  if (current?.view === view && current.shown?.update) {
    return current.shown.update({ path, query, signal: leave.signal });
  }
  leave.abort();
  leave = new AbortController();
  frame.setCurrent(name);
  current = { view, shown: null };
  const context = { path, query, signal: leave.signal };
  await openView(current, context, frame.outlet, () => setFrame(frame));
}
