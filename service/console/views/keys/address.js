// The address of the view: a key, a prefix, and whether the keys are shown as a tree.

/** @typedef {{key: string | null, prefix: string | null, isTree: boolean | null}} Address */

/**
 * @param {import("../../app/open-view.js").Context} context
 * @returns {Address} null: the address does not say it
 * @throws {URIError}
 */
export function parseAddress({ path, query }) {
  const mode = query.get("mode");
  return { key: path === "" ? null : decodeURIComponent(path), prefix: query.get("prefix"),
    isTree: mode === null ? null : mode === "tree" };
}

/** @param {{key: string | null, prefix: string, isTree: boolean}} address */
export function addressOf({ key, prefix, isTree }) {
  const query = new URLSearchParams({ prefix, mode: isTree ? "tree" : "list" });
  return `#/keys${key === null ? "" : `/${encodeURIComponent(key)}`}?${query}`;
}
