// The views by the first part of their address.
import { historyView } from "./history/index.js";
import { liveView } from "./live/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  history: historyView,
  live: liveView,
import { keysView } from "./keys/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  keys: keysView,
};
