// The views by the first part of their address.
import { keysView } from "./keys/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  keys: keysView,
};
