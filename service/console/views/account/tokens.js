// The access tokens of the account: list and revoke.
import { listTokens, revokeToken } from "../../api/access-tokens.js";
import { t } from "../../locale/index.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { createTokenDialog } from "./create-token.js";
import { attempt, button } from "./parts.js";

/** @typedef {import("../../api/access-tokens.js").AccessToken} AccessToken */

/** @param {AbortSignal} signal */
export async function tokensCard(signal) {
  const list = h("ul", { class: "tokens" });
  const create = button(t("Create an access token"), () => createTokenDialog(reload), "end");
  const reload = async () => {
    const tokens = await listTokens(signal);
    fill(list, tokens.map((token) => row(token, () => {
      create.focus();
      return reload();
    })), tokens.length === 0 && h("li", { class: "muted" },
      t("None. A program signs in with an access token instead of a password.")));
  };
  await reload();
  return { reload, element: h("section", { class: "card" }, h("div", { class: "toolbar" },
    h("h2", null, t("Access tokens")), create), list) };
}

/** @param {AccessToken} token @param {() => Promise<void>} onrevoke */
function row({ id, name, grants, ...times }, onrevoke) {
  const title = t("Revoke {name}", { name });
  const revoke = async () => {
    if (await confirmDialog({ title, action: t("Revoke"), danger: true,
      text: t("Programs that use it are refused from the next call on.") })) {
      await attempt(async () => {
        await revokeToken(id);
        await onrevoke();
      }, t("The access token is revoked."));
    }
  };
  const { created_at: created, expires_at: expires, last_used_at: used } = times;
  const rights = grants ? grantsInWords(grants) : [t("All rights of the account")];
  return h("li", null,
    h("div", null, h("h3", null, name), rights.map((words) => h("p", null, words)),
      h("p", { class: "hint" }, [t("Created {time}", { time: dateTime(created) }),
        expires ? t("expires {time}", { time: dateTime(expires) }) : t("does not expire"),
        used ? t("last used {time}", { time: dateTime(used) }) : t("not used yet"),
      ].join(" · "))),
    h("button", { type: "button", "aria-label": title, onclick: revoke }, t("Revoke")));
}
