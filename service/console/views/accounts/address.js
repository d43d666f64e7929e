// The addresses of the accounts.

const LIST = "#/admin/accounts";
let prefix = "";

/** @param {string} name */
export const accountHref = (name) => `${LIST}/${encodeURIComponent(name)}`;

/** The address of the list, with the search that was shown last. */
export function listHref() {
  return prefix === "" ? LIST : `${LIST}?${new URLSearchParams({ prefix })}`;
}

/** Keeps a search in the address. @param {string} searched */
export function rememberPrefix(searched) {
  prefix = searched;
  history.replaceState(null, "", listHref());
}
