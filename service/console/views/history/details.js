// A change of a key: what it changed, its text, and a button that restores it.
import { readKey, writeKeys } from "../../api/keys.js";
import { t } from "../../locale/index.js";
import { confirmDialog } from "../../ui/dialog.js";
import { diffView } from "../../ui/diff-view.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";

/** The characters of a text that are shown. */
const SHOWN = 65_536;

/**
 * @param {{key: string, change: import("../../api/history.js").Entry,
 *   before: () => Promise<string | null>, reload: () => Promise<void>,
 *   current: import("../../api/keys.js").Value | null,
 *   attempt: (button: Element, run: () => Promise<unknown>) => void}} options
 */
export function detailsOf({ key, change, current, before, attempt, reload }) {
  const { text, revision: n } = change;
  const title = t("Revision {n}", { n });
  const diff = h("div");
  const compare = async () => fill(diff, select.value === "current"
    ? diffView(text, current?.text ?? null, { labels: [title, t("Current value")] })
    : diffView(await before(), text, { labels: [t("Before"), title] }));
  const select = h("select", { onchange: () => attempt(select, compare) },
    h("option", null, t("the value before")),
    h("option", { value: "current" }, t("the current value")));
  const restore = async () => {
    const isSure = await confirmDialog({ title: t("Restore this value"),
      text: t("It replaces the current value. The history keeps both."),
      action: t("Restore") });
    if (!isSure || text === null) return;
    const ttl = (await readKey(key))?.ttl; // what is left by now
    const conditions = { [key]: current?.revision ?? null };
    const ttls = ttl ? { [key]: ttl } : {};
    await writeKeys({ data: [[key, text]], conditions, ttls });
    notify(t("The value of revision {n} was restored.", { n }), { kind: "success" });
    await reload();
  };
  const button = h("button", { type: "button", onclick: () => attempt(button, restore) },
    t("Restore this value"));
  attempt(select, compare);
  return [h("div", { class: "toolbar" }, h("h2", null, title),
    h("label", { class: "toolbar end" }, t("Compare with"), select),
    text !== null && button),
  diff, text !== null && [h("h3", null, t("Exact text")),
    h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")]];
}
