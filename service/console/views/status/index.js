// The state of the store, read again while the page is visible.
import { readState } from "../../api/admin.js";
import { isSessionEnd } from "../../api/problem.js";
import { forAdministrators } from "../../app/administrators.js";
import { t } from "../../locale/index.js";
import { time } from "../../text/format.js";
import { describe } from "../../text/problems.js";
import { fill, h } from "../../ui/dom.js";
import { icon } from "../../ui/icon.js";
import { charts } from "./charts.js";
import { figures } from "./figures.js";
import { nodes } from "./nodes.js";
import { poll } from "./poll.js";
import { writes } from "./writes.js";

/** Milliseconds between two readings. */
const INTERVAL = 2000;

export const status = forAdministrators(async ({ signal }) => {
  const parts = [writes(), charts(), figures(), nodes()];
  const old = h("div", { role: "status" });
  let readAt = 0;
  let failure = "";
  const read = async () => {
    const state = await readState(signal);
    readAt = Date.now();
    parts.forEach(({ update }) => update(state, readAt));
    failure = "";
    fill(old);
  };
  /** Keeps the last figures. Says whether to read on. @param {any} error */
  const fail = (error) => {
    const hasEnded = isSessionEnd(error);
    if (!signal.aborted && error.code !== failure) {
      failure = error.code;
      error.retryAfter = null; // it is read again anyway
      fill(old, h("p", { class: "banner" }, icon("warning"),
        h("span", null, t("These figures are from {time}.", { time: time(readAt) }), " ",
          describe(error)),
        hasEnded && h("button", { type: "button", onclick: start }, t("Try again"))));
    }
    return !hasEnded;
  };
  const start = () => poll(read, fail, INTERVAL, signal);
  await read();
  start();
  return { element: h("div", { class: "view" },
    h("h1", null, t("Status")), old, parts.map(({ element }) => element)) };
});
