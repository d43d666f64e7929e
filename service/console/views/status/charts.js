// The charts of the last minutes: writes, keys, memory.
import { language, t } from "../../locale/index.js";
import { count, size } from "../../text/format.js";
import { h } from "../../ui/dom.js";
import { chart } from "./chart.js";

/** @typedef {import("../../api/admin.js").State} State */

/** Milliseconds. */
const SPAN = 5 * 60_000;

/** @returns {{element: HTMLElement, update: (state: State, at: number) => void}} */
export function charts() {
  const perSecond = (/** @type {number} */ n) =>
    n.toLocaleString(language(), { maximumFractionDigits: n < 10 ? 1 : 0 });
  const all = [
    { ...chart(t("Writes per second"), perSecond, SPAN), value: rate },
    { ...chart(t("Keys"), count, SPAN), value: (/** @type {State} */ state) => state.keys },
    { ...chart(t("Memory"), size, SPAN),
      value: (/** @type {State} */ state) => state.memory.used },
  ];
  /** @type {{state: State, at: number}[]} */
  let samples = [];
  /** @param {State} state @param {number} at */
  const update = (state, at) => {
    samples = [...samples, { state, at }].filter((sample) => sample.at >= at - SPAN);
    for (const { update: draw, value } of all) {
      draw(samples.map((sample, i) =>
        ({ at: sample.at, value: value(sample.state, sample.at, samples[i - 1]) })));
    }
  };
  return { element: h("section", { class: "charts", "aria-label": t("The last five minutes") },
    all.map(({ element }) => element)), update };
}

/**
 * The rate of writes between two readings.
 * @param {State} state @param {number} at
 * @param {{state: State, at: number}} [before]
 */
function rate({ revision }, at, before) {
  if (before === undefined) {
    return 0;
  }
  // a store that was restored has a lower revision
  return Math.max(0, revision - before.state.revision) / ((at - before.at) / 1000);
}
