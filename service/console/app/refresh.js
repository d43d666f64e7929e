// Keeps an active user signed in: exchanges the token in the second half of its life.
import { takeToken } from "../api/accounts.js";
import { session } from "../api/session.js";

/** Milliseconds between two checks, which cost nothing. */
const INTERVAL = 10_000;

let lastActivity = Date.now();

/** A user who was idle for half the life of a token gets no other. */
export function startRefreshing() {
	for (const type of ["pointerdown", "keydown", "wheel"]) {
		addEventListener(type, () => (lastActivity = Date.now()), { passive: true });
	}
	setInterval(async () => {
		const { user, received, expires } = session;
		const half = (expires - received) / 2;
		const now = Date.now();
		if (user && now > expires - half && now < expires && lastActivity > now - half) {
			await takeToken("api/refresh").catch(() => {}); // the next check tries again
		}
	}, INTERVAL);
}
