// Deletes selected keys, or all keys with a prefix.
import { deleteKeys, listPage } from "../../api/keys.js";
import { isAbort } from "../../api/problem.js";
import { session } from "../../api/session.js";
import { t, tn } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { confirmDialog, openDialog } from "../../ui/dialog.js";
import { fill, h } from "../../ui/dom.js";
import { field, form } from "../../ui/form.js";
import { keyText } from "../../ui/key-text.js";
import { notify } from "../../ui/notices.js";

/** Keys of a call, which the service accepts whatever its limits are. */
const BATCH = 1000;

/** @param {number} n */
const deletedText = (n) => tn("{n} key was deleted.", "{n} keys were deleted.", n);

/**
 * Asks, and deletes keys.
 * @param {string[]} keys
 * @returns {Promise<Set<string>>} the keys that no longer exist
 */
export async function removeKeys(keys) {
  const count = tn("Delete {n} key", "Delete {n} keys", keys.length);
  const [first = ""] = keys;
  const text = keys.length === 1 ? keyText(first) : t("This cannot be undone.");
  /** @type {Set<string>} */
  const gone = new Set();
  if (!await confirmDialog({ title: count, text, action: count, danger: true })) {
    return gone;
  }
  let deleted = 0;
  try {
    for (let at = 0; at < keys.length; at += BATCH) {
      const batch = keys.slice(at, at + BATCH);
      deleted += await deleteKeys(batch);
      batch.forEach((key) => gone.add(key));
    }
    notify(deletedText(deleted), { kind: "success" });
  } catch (error) {
    notify(`${describe(error)} ${deletedText(deleted)}`, { kind: "error" });
  }
  return gone;
}

/**
 * Has the user type the prefix, and deletes its keys, page by page.
 * @param {string} prefix
 * @returns {Promise<boolean>} whether keys were deleted
 */
export function removePrefix(prefix) {
  return new Promise((resolve) => {
    const stop = new AbortController();
    let deleted = 0;
    const status = h("p", { role: "status" });
    const typed = prefix || session.user?.username || "";
    const name = field({ label: prefix ? t("Type the prefix to confirm")
      : t("Type your user name to confirm"), autocomplete: "off", spellcheck: "false" });
    const submit = async () => {
      if (name.input.value !== typed) {
        return name.setError(t("This is not the same."));
      }
      fill(body, h("progress", { "aria-label": t("Deleting") }), status,
        h("div", { class: "actions" },
          h("button", { type: "button", onclick: () => stop.abort() }, t("Cancel"))));
      await run();
      dialog.close();
    };
    const run = async () => {
      let error = null;
      try {
        for (let after = null, isLast = false; !isLast;) {
          fill(status, deletedText(deleted));
          const page = await listPage({ prefix, after, limit: BATCH, signal: stop.signal });
          deleted += page.keys.length > 0 ? await deleteKeys(page.keys) : 0;
          after = page.next;
          isLast = after === null;
          stop.signal.throwIfAborted();
        }
      } catch (thrown) {
        error = thrown;
      }
      const why = error === null ? "" : isAbort(error) ? t("Cancelled.") : describe(error);
      notify(`${why} ${deletedText(deleted)}`.trim(),
        { kind: error === null ? "success" : isAbort(error) ? "info" : "error" });
    };
    const body = h("div", { class: "dialog-body" },
      h("p", null, prefix ? keyText(prefix) : t("All keys of the store that you may delete.")),
      h("p", null, t("This cannot be undone.")),
      form({ body: name.element, label: t("Delete all"), danger: true, submit,
        cancel: () => dialog.close() }));
    const dialog = openDialog({ title: t("Delete all keys with this prefix"), body,
      onclose: () => {
        stop.abort();
        resolve(deleted > 0);
      } });
    name.input.focus();
  });
}
