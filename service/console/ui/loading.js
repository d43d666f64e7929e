// What a part of the page shows while it loads, and when that has failed.
import { t } from "../locale.js";
import { describe } from "../text/problems.js";
import { button } from "./button.js";
import { h } from "./dom.js";

export const loading = () =>
	h("p.loading", { role: "status" }, t("Loading…", "Загрузка…"));

/** @type {kv.failed} */
export const failed = (error, again) => h("div.empty", { role: "alert" },
	h("h1", t("This page could not be loaded", "Страницу не удалось загрузить")),
	h("p", describe(error)), button(t("Try again", "Повторить"), again));
