// The server: requests with the key, errors in plain words, and events as they come.

import { $, open, show } from "./dom.js";

// The page may be served below a prefix, so every address is relative to it.
const root = new URL("..", import.meta.url);

/** What the server refused, in its words. `field` is the setting at fault, if it says one. */
export class ServerError extends Error {
  constructor(message, status, field) {
    super(sentence(message));
    this.status = status;
    this.field = field ?? /^`([a-z_]+)`/.exec(message)?.[1];
  }
}

/** The server's lines begin small and have no full stop. */
export const sentence = (line) => line[0].toUpperCase() + line.slice(1) + (/[.!?]$/.test(line) ? "" : ".");

/** Sends a request with the key. Where the server wants another key, asks for it and sends the request again. */
async function send(method, path, body, signal) {
  for (;;) {
    const key = sessionStorage.getItem("key");
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    if (typeof body === "string") headers["Content-Type"] = "application/json";
    const address = new URL(path.replace(/^\//, ""), root);
    const response = await fetch(address, { method, headers, body, signal }).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new ServerError("The server does not answer. Is it running, and reachable from here?", 0);
    });
    if (response.ok) return response;
    if (response.status !== 401) throw await refusal(response);
    await anotherKey(key);
  }
}

async function refusal(response) {
  const text = await response.text();
  let error = {};
  try {
    error = JSON.parse(text).error;
  } catch {
    // A proxy between us and the server may answer in words of its own.
  }
  let message = error?.message || `The server answered ${response.status} ${response.statusText}`;
  const seconds = response.headers.get("Retry-After");
  if (response.status === 503 && seconds) message += `; try again in ${seconds} s`;
  return new ServerError(message, response.status, error?.param);
}

let asking;

/** Waits for a key that is not `refused`. Requests that fail together ask once. */
function anotherKey(refused) {
  if (sessionStorage.getItem("key") !== refused) return Promise.resolve();
  asking ??= new Promise((resolve, reject) => {
    const dialog = $("key");
    show($("key-error"), refused !== null);
    $("key-text").value = "";
    dialog.returnValue = "";
    open(dialog);
    dialog.addEventListener("close", () => {
      asking = undefined;
      if (dialog.returnValue !== "given") return reject(new ServerError("The server needs its key.", 401));
      sessionStorage.setItem("key", $("key-text").value.trim());
      resolve();
    }, { once: true });
  });
  return asking;
}

// Seeds have 64 bits, and numbers here only 53: seeds are text in the page. A quoted name cannot be part of a JSON string.
const parsed = (text) => JSON.parse(text.replace(/"seed":\s*(\d+)/g, '"seed":"$1"'));
const written = (value) => JSON.stringify(value).replace(/"seed":"(\d+)"/g, '"seed":$1');

/** Asks for JSON; sends `value` as JSON, and a Blob as it is. */
export async function ask(method, path, value, signal) {
  const body = value instanceof Blob || value === undefined ? value : written(value);
  const response = await send(method, path, body, signal);
  return parsed((await response.text()) || "null");
}

/** Fetches a file. */
export const file = async (path) => (await send("GET", path)).blob();

/** The address of a file for an `img`: its own, or that of a copy if the server wants a key, which `img` cannot send. */
export async function address(path) {
  if (!sessionStorage.getItem("key")) return new URL(path.replace(/^\//, ""), root).href;
  return URL.createObjectURL(await file(path));
}

/** The events of a stream. `EventSource` cannot send a key. */
export async function* events(path, signal) {
  const response = await send("GET", path, undefined, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
      if (data.length > 0) yield parsed(data.join("\n"));
    }
  }
}
