// Owns what a tab keeps across reloads, in the tab's storage. A browser limits that to some MiB, and pins may fill it.

/** The text that was kept, or `null`. */
export function kept(key) {
  return sessionStorage.getItem(key);
}

/** Keeps a text; returns whether there was room for it. */
export function keep(key, text) {
  try {
    sessionStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}
