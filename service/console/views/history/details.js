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
 * @typedef {import("../../api/history.js").Entry} Entry
 * @typedef {import("../../api/keys.js").Value} Value
 * @param {{key: string, change: Entry, current: Value | null,
 *   reload: () => Promise<void>, before: (change: Entry) => Promise<string | null>,
 *   attempt: (button: any, run: () => Promise<void>) => void}} options
 *   `attempt` disables a button and reports an error
 */
export function detailsOf({ key, change, current, before, attempt, reload }) {
  const { text, revision: n } = change;
  const title = t("Revision {n}", { n });
  const diff = h("div");
  const compare = async () => fill(diff, select.value === "before"
    ? diffView(await before(change), text, { labels: [t("Before"), title] })
    : diffView(text, current?.text ?? null, { labels: [title, t("Current value")] }));
  const select = h("select", { onchange: () => attempt(select, compare) },
    h("option", { value: "before" }, t("the value before")),
    h("option", { value: "current" }, t("the current value")));
  const restore = async () => {
    const isSure = await confirmDialog({ title: t("Restore this value"),
      text: t("It replaces the current value. The history keeps both."),
      action: t("Restore") });
    if (!isSure || text === null) return;
    const ttl = (await readKey(key))?.ttl; // what is left by now
    const conditions = { [key]: current?.revision ?? null };
    const ttls = ttl ? { [key]: ttl } : undefined;
    await writeKeys({ data: [[key, text]], conditions, ttls });
    notify(t("The value of revision {n} was restored.", { n }), { kind: "success" });
    await reload();
  };
  const button = h("button", { type: "button", onclick: () => attempt(button, restore) },
    t("Restore this value"));
  attempt(select, compare);
  return [
    h("div", { class: "toolbar" }, h("h2", null, title),
      h("label", { class: "toolbar end" }, t("Compare with"), select),
      text !== null && button),
    diff,
    text !== null && [h("h3", null, t("Exact text")),
      h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")],
  ];
}
