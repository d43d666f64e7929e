// The access tokens of the account: list and revoke.
import { listTokens, revokeToken } from "../../api/accounts.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { grantsInWords } from "../../text/grants.js";
import { attempt, button, confirmDialog, fill, h } from "../../ui/index.js";
import { createTokenDialog } from "./create-token.js";

/** @param {AbortSignal} signal */
export async function tokensCard(signal) {
	const list = h("ul.tokens");
	const create = button(t("Create an access token", "Создать токен доступа"), () => createTokenDialog(reload), "end");
	const reload = async () => {
		const tokens = await listTokens(signal);
		fill(list, tokens.map((token) => row(token, async () => {
			create.focus();
			await reload();
		})), tokens.length === 0 && h("li.muted",
			t("None. A program signs in with an access token instead of a password.",
				"Их нет. С токеном доступа программа входит без пароля.")));
	};
	await reload();
	return { reload, element: h("section.card",
		h("div.toolbar", h("h2", t("Access tokens", "Токены доступа")), create), list) };
}

/** @param {AccessToken} token @param {() => Promise<void>} onrevoke */
function row(token, onrevoke) {
	const { name, grants, expires_at: expires, last_used_at: used } = token;
	const title = t("Revoke {name}", "Отозвать {name}", { name });
	const revoke = button(t("Revoke", "Отозвать"), async () => {
		if (await confirmDialog({ title, action: t("Revoke", "Отозвать"), danger: true,
			text: t("Programs that use it are refused from the next call on.",
				"Программы с этим токеном получат отказ уже при следующем запросе.") })) {
			await revokeToken(token.id);
			await attempt(onrevoke, t(
				"The access token is revoked.", "Токен доступа отозван."));
		}
	});
	revoke.setAttribute("aria-label", title);
	const rights = grants ? grantsInWords(grants) : [t(
		"All rights of the account", "Все права учётной записи")];
	return h("li", h("div", h("h3", name), rights.map((words) => h("p", words)),
		h("p.hint", [t(
			"Created {time}", "Создано {time}", { time: dateTime(token.created_at) }),
			expires ? t("expires {time}", "истекает {time}", { time: dateTime(expires) }) : t(
				"does not expire", "бессрочно"),
			used ? t("last used {time}", "использован {time}", { time: dateTime(used) }) : t(
				"not used yet", "не использован"),
		].join(" · "))), revoke);
}
