// What views build their pages with.
export { attempt, button } from "./button.js";
export { openDialog } from "./dialog.js";
export { fill, h } from "./dom.js";
export { PLAIN, checkbox, confirmDialog, field, form, formDialog, passwordField } from "./form.js";
export { copyText, saveFile } from "./hand-over.js";
export { icon } from "./icon.js";
export { keyText } from "./key-text.js";
export { failed, loading } from "./loading.js";
export { announce, noticeElements, notify } from "./notices.js";
