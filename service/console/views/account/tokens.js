// The access tokens of the account: list and revoke.
import { listTokens, revokeToken } from "../../api/accounts.js";
import { t } from "../../locale/index.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { attempt, button } from "../../ui/button.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { createTokenDialog } from "./create-token.js";

/** @typedef {import("../../api/accounts.js").AccessToken} AccessToken */

/** @param {AbortSignal} signal */
export async function tokensCard(signal) {
  const list = h("ul.tokens");
  const create = button(t("Create an access token"), () => createTokenDialog(reload), "end");
  const reload = async () => {
    const tokens = await listTokens(signal);
    fill(list, tokens.map((token) => row(token, async () => {
      create.focus();
      await reload();
    })), tokens.length === 0 && h("li.muted",
      t("None. A program signs in with an access token instead of a password.")));
  };
  await reload();
  return { reload, element: h("section.card",
    h("div.toolbar", h("h2", t("Access tokens")), create), list) };
}

/** @param {AccessToken} token @param {() => Promise<void>} onrevoke */
function row(token, onrevoke) {
  const { name, grants, expires_at: expires, last_used_at: used } = token;
  const title = t("Revoke {name}", { name });
  const revoke = button(t("Revoke"), async () => {
    if (await confirmDialog({ title, action: t("Revoke"), danger: true,
      text: t("Programs that use it are refused from the next call on.") })) {
      await revokeToken(token.id);
      await attempt(onrevoke, t("The access token is revoked."));
    }
  });
  revoke.setAttribute("aria-label", title);
  const rights = grants ? grantsInWords(grants) : [t("All rights of the account")];
  return h("li", h("div", h("h3", name), rights.map((words) => h("p", words)),
    h("p.hint", [t("Created {time}", { time: dateTime(token.created_at) }),
      expires ? t("expires {time}", { time: dateTime(expires) }) : t("does not expire"),
      used ? t("last used {time}", { time: dateTime(used) }) : t("not used yet"),
    ].join(" · "))), revoke);
}
