// Russian: units of sizes and durations.

/** @type {import("../index.js").Catalogue} */
export default {
  "{n} B": "{n} Б",
  "{n} GiB": "{n} ГиБ",
  "{n} KiB": "{n} КиБ",
  "{n} MiB": "{n} МиБ",
  "{n} d": "{n} д",
  "{n} h": "{n} ч",
  "{n} min": "{n} мин",
  "{n} s": "{n} с",
};
