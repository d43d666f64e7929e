// All Russian messages. The key is the English text, for a number that of many.
import admin from "./admin.js";
import core from "./core.js";
import grants from "./grants.js";
import transfer from "./transfer.js";
import units from "./units.js";

/** @type {import("../index.js").Catalogue} */
export default {
  ...admin,
  ...core,
  ...grants,
  ...transfer,
  ...units,
};
