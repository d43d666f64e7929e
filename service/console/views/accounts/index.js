// The accounts: their list, or one of them.
import { forAdministrators } from "../../app/administrators.js";
import { accountPage } from "./account.js";
import { listPage } from "./list.js";

export const accounts = forAdministrators(({ path, query, signal }) =>
  path === "" ? listPage(query.get("prefix") ?? "", signal) : accountPage(path, signal));
