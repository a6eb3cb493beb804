// Owns the clipboard and downloads.

import { store } from "./store.js";
import { html } from "./html.js";

export async function copy(text, what) {
  const isCopied = await navigator.clipboard.writeText(text).then(() => true, () => copyAsSelection(text));
  if (isCopied) store.say(`Copied ${what}`, "good");
  else store.say(`The browser did not let this page copy ${what}: allow it to use the clipboard`, "bad");
}

/** Copies without the permission for the clipboard, which a selection does not need; returns whether it did. */
function copyAsSelection(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "hidden-label";
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return isCopied;
}

/** Saves bytes or text as a file. The name has only letters, digits, dots and dashes. */
export function download(content, name) {
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replace(/[^\w.-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  store.say(`Saved ${link.download}`, "good");
}

export function CopyButton({ text, what, label = "Copy" }) {
  return html`<button class="quiet" onClick=${() => copy(text, what)} aria-label=${`Copy ${what}`}>${label}</button>`;
}
