// The value pane: the value of one key, viewed or edited.
import { listPage } from "../../../api/keys.js";
import { followChanges } from "../../../api/live.js";
import { Pane } from "./pane.js";

/**
 * `signal` is aborted when another value is shown in its place.
 * @param {import("./pane.js").Options} options
 */
export function showValue(options) {
  const pane = new Pane(options);
  const { key, signal } = options;
  followChanges({ prefix: key, since: null, signal,
    onchange: ({ revision, data, deleted }) => {
      const isDeleted = deleted.includes(key);
      if (isDeleted || data.some(([it]) => it === key)) pane.report(revision, isDeleted);
    },
    // finds a change between the read and the beginning of the stream
    onstate: (state) => state === "open" && listPage({ prefix: key, limit: 1, signal })
      .then(({ details }) => pane.report(details[key]?.revision ?? 0), () => {}) });
  pane.load();
  return pane.element;
}
