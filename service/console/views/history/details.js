// A change of a key: what it changed, its text, and a button that restores it.
import { readKey, writeKeys } from "../../api/keys.js";
import { t } from "../../locale/index.js";
import { attempt, button } from "../../ui/button.js";
import { confirmDialog } from "../../ui/dialog.js";
import { diffView } from "../../ui/diff-view.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";

/** The characters of a text that are shown. */
const SHOWN = 65_536;

/**
 * @param {{key: string, change: import("../../api/history.js").Entry,
 *   before: () => Promise<string | null>, reload: () => Promise<void>,
 *   current: import("../../api/keys.js").Value | null}} options
 */
export function detailsOf({ key, change, current, before, reload }) {
  const { text, revision: n } = change;
  const title = t("Revision {n}", { n });
  const [old, now] = [t("Value before"), t("Current value")];
  const diff = h("div");
  const compare = async () => fill(diff, select.value === old
    ? diffView(await before(), text, { labels: [old, title] })
    : diffView(text, current?.text ?? null, { labels: [title, now] }));
  const select = h("select", { onchange: () => attempt(compare) },
    h("option", old), h("option", now));
  const restore = async () => {
    const isSure = await confirmDialog({ title: t("Restore this value"),
      text: t("It replaces the current value. The history keeps both."),
      action: t("Restore this value") });
    if (!isSure || text === null) return;
    const ttl = (await readKey(key))?.ttl; // what is left by now
    const conditions = { [key]: current?.revision ?? null };
    const ttls = ttl ? { [key]: ttl } : {};
    await writeKeys({ data: [[key, text]], conditions, ttls }).finally(reload);
    notify(t("The value of revision {n} was restored.", { n }), { kind: "success" });
  };
  attempt(compare);
  return [h("div.toolbar", h("h2", title),
    h("label.toolbar.end", t("Compare with"), select),
    text !== null && button(t("Restore this value"), restore)),
  diff, text !== null && [h("h3", t("Exact text")),
    h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")]];
}
