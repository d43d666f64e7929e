// The page for exporting keys into a file, and for importing one.
import { t } from "../../locale.js";
import { h } from "../../ui/index.js";
import { exportCard } from "./export.js";
import { importCard } from "./import.js";

/** @type {View} */
export function transferView({ query, signal }) {
	return { element: h("div.view.transfer", h("h1", t(
		"Import and export", "Импорт и экспорт")),
		exportCard(query.get("prefix") ?? "", signal), importCard(signal)) };
}
