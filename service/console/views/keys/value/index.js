// The value pane: the value of one key, to view and to edit.
import { listPage } from "../../../api/keys.js";
import { followChanges } from "../../../api/live.js";
import { Pane } from "./pane.js";

/**
 * `signal` is aborted when another value is shown in its place.
 * @param {import("./pane.js").Options} options
 * @returns {HTMLElement}
 */
export function showValue(options) {
  const pane = new Pane(options);
  pane.load();
  const { key, signal } = options;
  let isFirst = true;
  followChanges({ prefix: key, since: null, signal,
    onchange: ({ revision, data, deleted }) => {
      const isDeleted = deleted.includes(key);
      if (isDeleted || data.some(([name]) => name === key)) {
        pane.report(revision, isDeleted);
      }
    },
    onstate: async (state) => {
      if (state === "open" && isFirst) {
        isFirst = false;
        pane.report(await revisionOf(key, signal), false);
      }
    } });
  return pane.element;
}

/** Finds a change between the read and the begin of the stream. 0: not known.
 * @param {string} key @param {AbortSignal} signal */
async function revisionOf(key, signal) {
  try {
    return (await listPage({ prefix: key, limit: 1, signal })).details[key]?.revision ?? 0;
  } catch {
    return 0;
  }
}
