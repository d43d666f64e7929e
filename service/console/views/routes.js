// The views by the first part of their address.
import { accounts } from "./accounts/index.js";
import { status } from "./status/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  "admin/accounts": accounts,
  "admin/status": status,
};
