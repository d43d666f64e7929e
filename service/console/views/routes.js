// The views by the first part of their address.
import { accountView } from "./account/index.js";
import { accounts } from "./accounts/index.js";
import { status } from "./status/index.js";
import { transferView } from "./transfer/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  "account": accountView,
  "admin/accounts": accounts,
  "admin/status": status,
  "transfer": transferView,
};
