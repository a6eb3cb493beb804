// Owns the connection to hookdev: one stream of lines that is reopened when it breaks, or polling in a tab for which
// hookdev has no stream left. Hands each line to the store, and says what state the connection is in.

import { ApiError, parseLine, request } from "./api.js";

const RETRY_MS = [500, 1000, 2000, 5000];
const POLL_MS = 2000;
/** hookdev says `alive` every 10 s. */
const SILENCE_MS = 25000;
/** Deliveries that overlap may finish out of order, so a reopened stream starts a little earlier. */
const OVERLAP = 128;

/** Follows hookdev until the token is refused. */
export async function follow(store) {
  let failures = 0;
  for (;;) {
    try {
      await stream(store, () => (failures = 0));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        store.setConnection("refused");
        return;
      }
      if (error instanceof ApiError && error.poll) {
        await poll(store);
        continue;
      }
    }
    store.setConnection("lost");
    await pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  }
}

/** Reads one stream to its end. */
async function stream(store, opened) {
  const controller = new AbortController();
  let watchdog;
  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => controller.abort(), SILENCE_MS);
  };
  try {
    heard();
    const response = await request(`/api/stream?after=${start(store)}`, { signal: controller.signal });
    opened();
    store.setConnection("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (take(store, line)) return;
      }
    }
  } finally {
    clearTimeout(watchdog);
    controller.abort();
  }
}

/** Asks again and again, until that fails. */
async function poll(store) {
  try {
    for (;;) {
      const response = await request(`/api/deliveries?after=${start(store)}`);
      store.setConnection("polling");
      for (const line of (await response.text()).split("\n")) take(store, line);
      await pause(POLL_MS);
    }
  } catch {
    store.setConnection("lost");
  }
}

/** Takes a line; returns whether the stream has to be reopened. */
function take(store, text) {
  if (text === "") return false;
  const line = parseLine(text);
  switch (line.kind) {
    case "ready":
      store.setReady(line);
      break;
    case "delivery":
      store.add(line);
      break;
    case "findings":
      store.update(line.seq, { findings: line.findings });
      break;
    case "forwards":
      store.addForwards(line);
      break;
    case "missed":
      store.addMissed(line.count);
      return true;
  }
  return false;
}

function start(store) {
  return Math.max(0, store.lastSeq - OVERLAP);
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
