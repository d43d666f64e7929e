// The frame of the page: navigation, language, account, and an outlet for the view.
import { session } from "../api/session.js";
import { LANGUAGES, language, t } from "../locale.js";
import { button, fill, h, icon } from "../ui/index.js";

/** The choice of the language. @type {kv.languageSelect} */
export function languageSelect(onchange) {
	const select = h("select", { "aria-label": t("Language", "Язык"),
		onchange: async () => {
			await onchange(select.value);
			select.value = language();
		} },
		Object.entries(LANGUAGES).map(([code, name]) =>
			h("option", { value: code, lang: code, selected: code === language() }, name)));
	return select;
}

/** Builds the frame. @type {kv.buildFrame} */
export function buildFrame(onlanguage, onsignout) {
	const outlet = h("main", { tabindex: "-1" });
	const links = Object.entries({
		keys: t("Keys", "Ключи"),
		live: t("Live changes", "Изменения"),
		transfer: t("Import and export", "Импорт и экспорт"),
		account: t("Account", "Учётная запись"),
		...session.user?.administrator && {
			"admin/accounts": t("Accounts", "Учётные записи"),
			"admin/status": t("Status", "Состояние"),
		},
	}).map(([route, label]) => h("a", { href: `#/${route}` }, label));
	fill(document.body,
		h("button.skip", { type: "button", onclick: () => outlet.focus() },
			t("Skip to the content", "К содержимому")),
		h("header.shell", h("a.brand", { href: "#/keys" }, icon("key"), "KV"),
			h("nav", { "aria-label": t("Main", "Разделы") }, links),
			h("div.shell-end", languageSelect(onlanguage),
				h("span.who", icon("user"), h("bdi", session.user?.username)),
				button(t("Sign out", "Выйти"), onsignout))),
		outlet);
	const setCurrent = (/** @type {string} */ route) => links.forEach((link) => {
		link.removeAttribute("aria-current");
		if (link.getAttribute("href") !== `#/${route}`) return;
		link.setAttribute("aria-current", "page");
		link.scrollIntoView({ block: "nearest", inline: "nearest" });
		document.title = `${link.textContent} · KV`;
	});
	return { outlet, setCurrent };
}
