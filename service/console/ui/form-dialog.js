// A dialog with a form. It closes when the form has been submitted.
import { t } from "../locale/index.js";
import { openDialog } from "./dialog.js";
import { form } from "./form.js";

/**
 * What `submit` returns runs when the dialog is closed.
 * @param {{title: string, body: import("./dom.js").Child, label?: string,
 *   danger?: boolean, submit: () => Promise<void | (() => void)>}} options
 */
export function formDialog({ title, body, label = title, danger, submit }) {
  const dialog = openDialog({ title, body: form({ body, label, danger,
    cancel: () => dialog.close(),
    submit: async () => {
      try {
        const then = await submit();
        dialog.close();
        then?.();
      } catch (/** @type {any} */ error) {
        throw error.code === "invalid_credentials"
          ? new Error(t("The password is wrong.")) : error;
      }
    } }) });
}
