// The views by the first part of their address.
import { accountView } from "./accounts/own.js";
import { accountsView } from "./accounts/index.js";
import { historyView } from "./keys/value/history.js";
import { keysView } from "./keys/index.js";
import { liveView } from "./live/index.js";
import { statusView } from "./status/index.js";
import { transferView } from "./transfer/index.js";

/** @type {Record<string, View>} */
export const routes = {
	keys: keysView,
	history: historyView,
	live: liveView,
	transfer: transferView,
	account: accountView,
	"admin/accounts": accountsView,
	"admin/status": statusView,
};
