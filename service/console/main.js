// Starts the console: the language, the session, then the views.
import { loadUser } from "./api/accounts.js";
import { onSessionEnd } from "./api/client.js";
import { isSessionEnd } from "./api/problem.js";
import { session } from "./api/session.js";
import { buildFrame } from "./app/frame.js";
import { startRefreshing } from "./app/refresh.js";
import { mayLeaveView, setFrame, startRouter } from "./app/router.js";
import { startShortcuts } from "./app/shortcuts.js";
import { chooseLanguage, loadLanguage } from "./locale.js";
import { describe } from "./text/problems.js";
import { noticeElements } from "./ui/index.js";
import { routes } from "./views/routes.js";
import { showSignIn, signInAgain } from "./views/sign-in.js";

/** @param {string} code */
async function changeLanguage(code) {
	if (!(await mayLeaveView())) return;
	chooseLanguage(code);
	showPage();
}

const signOut = async () => await mayLeaveView() && session.clear();

/** Shows the views to a user, and to others the page for signing in. */
function showPage(message = "") {
	const frame = session.user && buildFrame(changeLanguage, signOut);
	setFrame(frame);
	if (!frame) showSignIn(changeLanguage, message);
	document.body.append(...noticeElements);
}

loadLanguage();
let message = "";
if (session.token) {
	try {
		await loadUser();
	} catch (error) {
		message = describe(error);
		if (isSessionEnd(error)) session.clear();
	}
}
onSessionEnd(signInAgain);
startShortcuts();
startRefreshing();
startRouter(routes);
showPage(message);
session.addEventListener("change", () => showPage());
