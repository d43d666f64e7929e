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

/** Keys of a call. */
const BATCH = 1000;

/** @param {number} n */
const deletedText = (n) => tn("{n} key was deleted.", "{n} keys were deleted.", n);

/** Says how a deletion ended. @param {number} n @param {unknown} [error] */
function report(n, error) {
  const why = error === undefined ? "" : isAbort(error) ? t("Cancelled.") : describe(error);
  notify(`${why} ${deletedText(n)}`.trim(),
    { kind: error === undefined ? "success" : isAbort(error) ? "info" : "error" });
}

/**
 * Asks, and deletes keys.
 * @param {string[]} keys
 * @returns {Promise<Set<string>>} the keys that no longer exist
 */
export async function removeKeys(keys) {
  /** @type {Set<string>} */
  const gone = new Set();
  const title = tn("Delete {n} key", "Delete {n} keys", keys.length);
  const text = [keys.slice(0, 5).map((key) => h("div", null, keyText(key))),
    keys.length > 5 && "…"];
  if (keys.length === 0
    || !await confirmDialog({ title, text, action: t("Delete"), danger: true })) {
    return gone;
  }
  let deleted = 0;
  try {
    for (let at = 0; at < keys.length; at += BATCH) {
      const batch = keys.slice(at, at + BATCH);
      deleted += await deleteKeys(batch);
      batch.forEach((key) => gone.add(key));
    }
    report(deleted);
  } catch (error) {
    report(deleted, error);
  }
  return gone;
}

/**
 * Has the user type the prefix, and deletes its keys, page by page.
 * @param {string} prefix
 * @returns {Promise<boolean>} whether keys were deleted
 */
export function removePrefix(prefix) {
  const { promise, resolve } = Promise.withResolvers();
  const stop = new AbortController();
  let deleted = 0;
  const status = h("p", { role: "status" });
  const name = field({ label: prefix ? t("Type the prefix to confirm")
    : t("Type your user name to confirm"), autocomplete: "off", spellcheck: "false" });
  const run = async () => {
    for (let after = null, isLast = false; !isLast;) {
      status.textContent = deletedText(deleted);
      const page = await listPage({ prefix, after, limit: BATCH, signal: stop.signal });
      // a deletion is not cancelled: its number would not be known
      deleted += page.keys.length > 0 ? await deleteKeys(page.keys) : 0;
      after = page.next;
      isLast = after === null;
    }
  };
  const submit = async () => {
    if (name.input.value !== (prefix || session.user?.username)) {
      return name.setError(t("This is not the same."));
    }
    fill(body, h("progress", { "aria-label": t("Deleting") }), status,
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => stop.abort() }, t("Cancel"))));
    await run().then(() => report(deleted), (error) => report(deleted, error));
    dialog.close();
  };
  const close = () => dialog.close();
  const body = h("div", { class: "dialog-body" },
    h("p", null, prefix ? keyText(prefix) : t("All keys of the store.")),
    form({ body: name.element, label: t("Delete all"), danger: true, submit, cancel: close }));
  const onclose = () => {
    stop.abort();
    resolve(deleted > 0);
  };
  const dialog = openDialog({ title: t("Delete all keys with this prefix"), body, onclose });
  name.input.focus();
  return promise;
}
