// The access tokens of the account: list, create and revoke.
import { call, callJson } from "../../api/client.js";
import { t } from "../../locale.js";
import { dateTime } from "../../text/format.js";
import { grantsEditor, grantsInWords } from "../../ui/grants.js";
import { button, copyText, field, fill, formDialog, h, openDialog }
	from "../../ui/index.js";
import { confirmed, created, currentPassword } from "./shared.js";

const allRights = () => t("All rights of the account", "Все права учётной записи");
const createText = () => t("Create an access token", "Создать токен доступа");

/** @type {kv.tokensCard} */
export async function tokensCard(signal) {
	const list = h("ul.tokens");
	const create = button(createText(), () => ask(reload), "end");
	const reload = async () => {
		const { tokens } = await callJson("GET", "api/tokens", { signal });
		fill(list, tokens.map((token) => row(token, async () => {
			await call("DELETE", `api/tokens/${token.id}`);
			create.focus();
			await reload();
		})), !tokens.length && h("li.muted",
			t("None yet. Programs use them instead of a password.",
				"Пока нет. Программы входят с ними без пароля.")));
	};
	await reload();
	return { reload, element: h("section.card",
		h("div.toolbar", h("h2", t("Access tokens", "Токены доступа")), create), list) };
}

/** @param {AccessToken} token */
function row(token, revoke) {
	const { name, grants, expires_at: expires, last_used_at: used } = token;
	const words = grants ? grantsInWords(grants) : [allRights()];
	return h("li", h("div", h("h3", name), words.map((line) => h("p", line)),
		h("p.hint", [created(token),
			expires ? t("expires {time}", "истекает {time}", { time: dateTime(expires) })
				: t("does not expire", "бессрочно"),
			used ? t("last used {time}", "использован {time}", { time: dateTime(used) })
				: t("not used yet", "не использован"),
		].join(" · "))),
	confirmed(t("Revoke {name}", "Отозвать {name}", { name }),
		() => t("Programs that use it are refused at once.",
			"Программы с ним сразу получат отказ."),
		revoke, t("The access token is revoked.", "Токен доступа отозван."),
		"quiet", "delete"));
}

function ask(oncreate) {
	const name = field({ label: t("Name", "Имя"), required: true, maxlength: 64,
		autocomplete: "off" });
	const { elements, grants } = grantsEditor([{ prefix: "", rights: "r" }], allRights());
	const days = field({ label: t("Days, or empty: it does not expire",
		"Срок в днях, пусто: бессрочно"), type: "number", min: 1, value: 90 });
	const password = currentPassword();
	formDialog({ title: createText(),
		body: [name.element, elements, days.element, password.elements],
		submit: async () => {
			const { token } = await callJson("POST", "api/tokens", { json: {
				password: password.input.value, name: name.input.value, grants: grants(),
				expires_in: Number(days.input.value) * 86_400 || null } });
			oncreate();
			return () => show(token);
		} });
}

function show(value) {
	const label = t("Access token", "Токен доступа");
	const { element, input } = field({ label, value, readonly: true, class: "mono" });
	const copy = button(t("Copy", "Копировать"), () => {
		copyText(value);
		copy.textContent = t("Copied", "Скопировано");
	});
	openDialog(label, [h("p.banner", t("Copy it now: it is not shown again.",
		"Скопируйте сейчас: больше он не появится.")), element,
	h("div.actions", copy)]);
	input.select();
}
