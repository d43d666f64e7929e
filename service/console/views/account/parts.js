// What the parts of the page of the account share.
import { session } from "../../api/session.js";
import { t } from "../../locale/index.js";
import { describe } from "../../text/problems.js";
import { h } from "../../ui/dom.js";
import { field } from "../../ui/form.js";
import { notify } from "../../ui/notices.js";

/** @param {string} label @param {() => void} onclick @param {string} [name] a class */
export const button = (label, onclick, name) =>
  h("button", { type: "button", class: name, onclick }, label);

/**
 * Runs a call, and says how it ended.
 * @param {() => Promise<void>} run
 * @param {string} success
 */
export async function attempt(run, success) {
  try {
    await run();
    notify(success, { kind: "success" });
  } catch (error) {
    notify(describe(error), { kind: "error" });
  }
}

/**
 * A field for the password, and a hidden one that tells password managers whose it is.
 * @returns {[import("../../ui/form.js").Field, HTMLElement]}
 */
export function currentPassword() {
  return [
    field({ label: t("Your password"), name: "password", type: "password",
      autocomplete: "current-password", required: true }),
    h("input", { name: "username", autocomplete: "username", hidden: true,
      value: session.user?.username })];
}
