// A change of a key: its text, what it changed, and a button that restores it.
import { readKey, writeKeys } from "../../api/keys.js";
import { t } from "../../locale/index.js";
import { diffView } from "../../ui/diff-view.js";
import { confirmDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { notify } from "../../ui/notices.js";

/** The characters of a text that are shown. */
const SHOWN = 65_536;

/**
 * @typedef {import("../../api/history.js").Entry} Entry
 * `attempt` reports an error and disables the button until then.
 * @typedef {{key: string, change: Entry, before: (change: Entry) => Promise<string | null>,
 *   current: import("../../api/keys.js").Value | null, reload: () => Promise<void>,
 *   attempt: (button: any, run: () => Promise<void>) => Promise<void>}} Options
 */

/** @param {Options} options */
export function detailsOf({ key, change, current, before, attempt, reload }) {
  const { text, revision } = change;
  const diff = h("div");
  const show = () => attempt(select, async () => {
    const mine = t("Revision {n}", { n: revision });
    fill(diff, select.value === "before"
      ? diffView(await before(change), text, { labels: [t("Before"), mine] })
      : diffView(text, current?.text ?? null, { labels: [mine, t("Current value")] }));
  });
  const select = h("select", { onchange: show },
    h("option", { value: "before" }, t("the value before")),
    h("option", { value: "current" }, t("the current value")));
  const restore = () => attempt(button, async () => {
    const action = t("Restore this value");
    const isSure = await confirmDialog({ title: action, action,
      text: t("It replaces the current value. The history keeps both.") });
    if (!isSure || text === null) return;
    const ttl = (await readKey(key))?.ttl; // what is left of its lifetime by now
    const ttls = ttl ? { [key]: ttl } : undefined;
    const conditions = { [key]: current?.revision ?? null };
    await writeKeys({ data: [[key, text]], ttls, conditions });
    const done = t("The value of revision {n} was restored.", { n: revision });
    notify(done, { kind: "success" });
    await reload();
  });
  const button = h("button", { type: "button", onclick: restore }, t("Restore this value"));
  show();
  return [h("div", { class: "toolbar" }, h("h2", null, t("Revision {n}", { n: revision })),
    h("label", { class: "toolbar end" }, t("Compare with"), select),
    text !== null && button),
  diff,
  text !== null && [h("h3", null, t("Exact text")),
    h("pre", { tabindex: "0" }, text.slice(0, SHOWN), text.length > SHOWN && "…")]];
}
