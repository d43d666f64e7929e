// Repeats a reading, with a pause while the page is hidden.

/**
 * @param {() => Promise<void>} read
 * @param {(error: unknown) => boolean} fail says whether to go on
 * @param {number} interval milliseconds after a reading until the next one
 * @param {AbortSignal} signal
 */
export function poll(read, fail, interval, signal) {
  let timer = setTimeout(run, interval);
  let isReading = false;
  let hasEnded = false;
  async function run() {
    clearTimeout(timer);
    if (isReading || hasEnded || document.hidden || signal.aborted) {
      return;
    }
    isReading = true;
    try {
      await read();
    } catch (error) {
      hasEnded = !fail(error);
    }
    isReading = false;
    timer = setTimeout(run, interval);
  }
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
}
