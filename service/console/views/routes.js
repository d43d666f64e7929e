// The views by the first part of their address.
import { accountView } from "./account/index.js";
import { transferView } from "./transfer/index.js";

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {
  "account": accountView,
  "transfer": transferView,
};
