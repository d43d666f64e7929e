// A dialog that asks for the password of the account.
import { session } from "../../api/session.js";
import { t } from "../../locale.js";
import { field, formDialog, h } from "../../ui/index.js";

/**
 * @param {Omit<Parameters<typeof formDialog>[0], "submit">
 *   & {submit: (password: string) => Promise<void | (() => void)>}} options
 */
export function passwordDialog({ body, submit, ...options }) {
	const { element, input } = field({ label: t("Current password", "Текущий пароль"), name: "password",
		type: "password", autocomplete: "current-password", required: true });
	// it tells password managers whose password this is
	const name = h("input", { name: "username", autocomplete: "username", hidden: true,
		value: session.user?.username });
	formDialog({ ...options, body: [body, name, element],
		submit: () => submit(input.value) });
}
