// The views by the first part of their address.

/** @type {Record<string, import("../app/router.js").View>} */
export const routes = {};
