// Starts the console: the language, the session, then the views.
import { loadUser } from "./api/accounts.js";
import { onSessionEnd } from "./api/client.js";
import { isSessionEnd } from "./api/problem.js";
import { session } from "./api/session.js";
import { startRefreshing } from "./app/refresh.js";
import { mayLeaveView, setFrame, startRouter } from "./app/router.js";
import { buildShell } from "./app/shell.js";
import { startShortcuts } from "./app/shortcuts.js";
import { signInAgain } from "./app/sign-in-again.js";
import { chooseLanguage, loadLanguage } from "./locale/index.js";
import { describe } from "./text/problems.js";
import { noticeElements } from "./ui/notices.js";
import { routes } from "./views/routes.js";
import { showSignIn } from "./views/sign-in/index.js";

/** @param {string} code */
async function changeLanguage(code) {
  if (await mayLeaveView()) {
    await chooseLanguage(code);
    showPage();
  }
}

async function signOut() {
  if (await mayLeaveView()) {
    session.clear();
  }
}

/** Shows the views to a user, and to others the page for signing in. */
function showPage(message = "") {
  if (session.user === null) {
    setFrame(null);
    showSignIn({ onlanguage: changeLanguage, message });
  } else {
    setFrame(buildShell({ onlanguage: changeLanguage, onsignout: signOut }));
  }
  document.body.append(...noticeElements);
}

async function start() {
  await loadLanguage();
  let message = "";
  if (session.token !== null) {
    try {
      await loadUser();
    } catch (error) {
      message = describe(error);
      if (isSessionEnd(error)) {
        session.clear();
      }
    }
  }
  onSessionEnd(signInAgain);
  startShortcuts();
  startRefreshing();
  startRouter(routes);
  showPage(message);
  session.addEventListener("change", () => showPage());
}

await start();
