// A dialog for a number to be added to a counter.
import { t } from "../../../locale/index.js";
import { openDialog } from "../../../ui/dialog.js";
import { field, form } from "../../../ui/form.js";

/** @param {(by: string) => Promise<void>} add */
export function addToCounter(add) {
  const number = field({ label: t("Number"), required: true, inputmode: "numeric",
    pattern: "-?[0-9]+", title: t("An integer, such as 5 or -5"), autocomplete: "off" });
  const submit = async () => {
    await add(String(BigInt(number.input.value)));
    dialog.close();
  };
  const body = form({ body: number.element, label: t("Add"), submit });
  const dialog = openDialog({ title: t("Add to the counter"), body });
}
