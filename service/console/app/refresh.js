// Keeps an active user signed in: exchanges the token in the second half of its life.
import { refresh } from "../api/accounts.js";
import { session } from "../api/session.js";

/** Milliseconds between two checks, which cost nothing. */
const INTERVAL = 10_000;
const SIGNS_OF_LIFE = ["pointerdown", "keydown", "wheel"];

let lastActivity = Date.now();

/** Call it once. A user who was idle for half the life of a token gets no other. */
export function startRefreshing() {
  for (const type of SIGNS_OF_LIFE) {
    addEventListener(type, () => (lastActivity = Date.now()), { passive: true });
  }
  setInterval(refreshIfDue, INTERVAL);
}

async function refreshIfDue() {
  if (session.user === null) {
    return;
  }
  const { received, expires } = session.lifetime;
  const half = (received + expires) / 2;
  const isActive = lastActivity > Date.now() - (expires - received) / 2;
  if (Date.now() > half && Date.now() < expires && isActive) {
    // the next check tries again; a session that has ended is noticed by the next call
    await refresh().catch(() => {});
  }
}
