// Owns the token and every request to hookdev. The only module that parses JSON, and it parses hookdev's own messages:
// payloads stay text, because `JSON.parse` changes large numbers and drops repeated keys.

const KEY = "hookdev.token";

/** An error that hookdev reported: a sentence, and perhaps what to do. `status` is 0 if there was no response. */
export class ApiError extends Error {
  constructor(status, message, hint = null, poll = false) {
    super(message);
    this.status = status;
    this.hint = hint;
    this.poll = poll;
  }
}

/** A number as written, which JavaScript can't represent. */
export class ExactNumber {
  constructor(source) {
    this.source = source;
  }
}

let token = null;

/** Moves the token from the address bar to this tab's storage. Returns whether there is one. */
export function takeToken() {
  const fields = new URLSearchParams(location.hash.slice(1));
  if (fields.has("token")) {
    // Another run of hookdev: what was kept for the last one means nothing here.
    if (fields.get("token") !== sessionStorage.getItem(KEY)) sessionStorage.clear();
    sessionStorage.setItem(KEY, fields.get("token"));
    fields.delete("token");
    const rest = fields.toString();
    history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
  }
  token = sessionStorage.getItem(KEY);
  return token !== null;
}

/** Sends a request; resolves to a successful response. */
export async function request(path, options = {}) {
  const headers = { authorization: `Bearer ${token}`, ...options.headers };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "hookdev can't be reached");
  }
  if (response.ok) return response;
  const { error, hint, poll } = await response.json().catch(() => ({}));
  throw new ApiError(response.status, error ?? `hookdev responded with ${response.status}`, hint, poll === true);
}

export async function getJson(path, options) {
  return (await request(path, options)).json();
}

export async function getText(path, options) {
  return (await request(path, options)).text();
}

export async function getBytes(path, options) {
  return new Uint8Array(await (await request(path, options)).arrayBuffer());
}

/** The bytes of a request's body, as hookdev writes it into JSON. */
export function bytesOf({ body, body_base64: base64 }) {
  if (typeof base64 !== "string") return new TextEncoder().encode(body);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Like `getJson`, with numbers that JavaScript would round as `ExactNumber`. */
export async function getExact(path, options) {
  return JSON.parse(await getText(path, options), exact);
}

export async function postJson(path, value) {
  const headers = { "content-type": "application/json" };
  return JSON.parse(await getText(path, { method: "POST", headers, body: JSON.stringify(value) }), exact);
}

/** What is wrong with a text as JSON; `null` if nothing is. */
export function jsonProblem(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error.message;
  }
}

/** A line of the stream. */
export function parseLine(line) {
  return JSON.parse(line);
}

/** The JSON text of a value of `getExact`. */
export function exactText(value, indent = "") {
  if (value instanceof ExactNumber) return value.source;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  const entries = Array.isArray(value)
    ? value.map((item) => exactText(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${exactText(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return entries.length ? `${open}\n${inner}${entries.join(`,\n${inner}`)}\n${indent}${close}` : open + close;
}

function exact(_key, value, context) {
  const differs = typeof value === "number" && context?.source !== undefined && context.source !== String(value);
  return differs ? new ExactNumber(context.source) : value;
}
