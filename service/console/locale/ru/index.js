// All Russian messages. The key is the English text, for a number that of many.
import changes from "./changes.js";
import admin from "./admin.js";
import core from "./core.js";
import keys from "./keys.js";
import grants from "./grants.js";
import transfer from "./transfer.js";
import units from "./units.js";
import value from "./value.js";

/** @type {import("../index.js").Catalogue} */
export default {
  ...changes,
  ...core,
  ...keys,
  ...units,
  ...value,
  ...admin,
  ...core,
  ...grants,
  ...transfer,
  ...units,
};
