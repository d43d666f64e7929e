// Russian: the list of keys.

/** @type {import("../index.js").Catalogue} */
export default {
  "(the prefix itself)": "(сам префикс)",
};
