// All Russian messages. The key is the English text, for a number that of many.
import core from "./core.js";
import grants from "./grants.js";

/** @type {import("../index.js").Catalogue} */
export default {
  ...core,
  ...grants,
};
import units from "./units.js";

/** @type {import("../index.js").Catalogue} */
export default { ...core, ...units };
