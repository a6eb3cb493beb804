// Owns what can be done with a delivery: resend, copy, download, compare, pin. Each action says its result in the
// status bar.

import { getText, postJson } from "./api.js";
import { copy, download } from "./copy.js";
import { store } from "./store.js";
import { duration, short } from "./text.js";

/** Sends a delivery to its forward targets again; with a body, that is signed again. */
export async function resend(seq, to = null, body = null) {
  store.say(`Resending #${seq}…`);
  try {
    const result = await postJson(`/api/deliveries/${seq}/resend`, { to, body });
    store.addResend(seq, { ...result, at: new Date().toISOString() });
    store.say(resendText(seq, result), result.attempts.some(hasFailed) ? "bad" : "good");
    return result;
  } catch (error) {
    report(`#${seq} was not resent`, error);
    return null;
  }
}

/** Whether an attempt reached its target, as far as is known. */
export function isDelivered(attempt) {
  return attempt.outcome !== "unreachable";
}

/** Whether an attempt has failed, or its response did not come as a whole. */
export function hasFailed({ outcome, incomplete_status: incomplete }) {
  return outcome !== "accepted" || incomplete !== null;
}

function resendText(seq, { attempts, resigned }) {
  const isOneOfMany = attempts.length > 1;
  const to = (url) => (isOneOfMany ? ` to ${short(url)}` : "");
  if (!attempts.some(isDelivered)) {
    const failures = attempts.map(({ url, reason }) => `${to(url)}: ${reason}`);
    return `#${seq} was not delivered${failures.join(";")}`;
  }
  const parts = attempts.map((attempt) => {
    const { url, status, incomplete_status: incomplete, reason, elapsed_ms: elapsed } = attempt;
    if (!isDelivered(attempt)) return `not delivered${to(url)}: ${reason}`;
    if (status === null || incomplete !== null) return isOneOfMany ? `${short(url)}: ${reason}` : reason;
    return `${status} in ${duration(elapsed)}${isOneOfMany ? ` from ${short(url)}` : ""}`;
  });
  return `Resent #${seq}${resigned ? ", signed again" : ""}: ${parts.join("; ")}`;
}

export async function copyCurl(seq) {
  await attempt("The curl command was not copied", async () => {
    await copy(await getText(`/api/deliveries/${seq}/curl`), `#${seq} as a curl command`);
  });
}

export async function copyLink(seq) {
  await copy(`${location.origin}/#seq=${seq}`, `a link to #${seq}`);
}

/** Saves the capture, which `hookdev verify` and `hookdev send` read. */
export async function downloadCapture(seq) {
  await attempt("The capture was not saved", async () => {
    const capture = store.pins.text(seq) ?? (await getText(`/api/deliveries/${seq}`));
    download(capture.endsWith("\n") ? capture : `${capture}\n`, `${seq}-${store.get(seq)?.event ?? "delivery"}.json`);
  });
}

/** Keeps a delivery in this tab, whole, or lets it go. */
export async function pin(seq) {
  if (store.pins.has(seq)) {
    store.unpin(seq);
    store.say(`Unpinned #${seq}`);
    return;
  }
  await attempt(`#${seq} was not pinned`, async () => {
    const survives = store.pin(seq, await getText(`/api/deliveries/${seq}`));
    const until = survives ? "when you clear the list or reload" : "when you clear the list, but not when you reload: the storage of this tab is full";
    store.say(`Pinned #${seq}: it stays here ${until}`, "good");
  });
}

/** Marks a delivery; with another one marked, compares the two. */
export function compare(seq) {
  if (store.marked === null) {
    store.set({ marked: seq });
    store.say(`Marked #${seq}. Select another delivery and press x to compare them.`);
  } else if (store.marked === seq) {
    store.set({ marked: null });
    store.say(`#${seq} is no longer marked`);
  } else {
    store.set({ view: "compare", notice: null });
  }
}

async function attempt(failure, action) {
  try {
    await action();
  } catch (error) {
    report(failure, error);
  }
}

function report(failure, error) {
  store.say(`${failure}: ${error.message}${error.hint ? ` (${error.hint})` : ""}`, "bad");
}
