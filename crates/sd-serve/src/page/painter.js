// Painting a mask: what is opaque on the canvas is drawn anew.

import { $, open, say } from "./dom.js";
import { drawMask, hold, maskColour, pictures, source } from "./pictures.js";

const dialog = $("painter");
const canvas = $("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
let past = [];
let spot = { x: 0, y: 0 };
let isErasing = false;

/** Opens the painter on the initial image, with the mask that it has. */
export async function paint() {
  const { init, mask } = pictures;
  source($("painted"), init.blob);
  Object.assign(canvas, { width: init.width, height: init.height });
  $("sheet").classList.toggle("small", init.width < 256);
  $("sheet").style.aspectRatio = `${init.width} / ${init.height}`;
  $("sheet").style.setProperty("--ratio", init.width / init.height);
  if (mask) await drawMask(context, mask, maskColour());
  past = [];
  spot = { x: init.width / 2, y: init.height / 2 };
  erase(false);
  open(dialog);
  canvas.focus();
}

/** The brush's radius in pixels of the image; small sizes are finer. */
const radius = () => Math.max(0.5, (Number($("brush-size").value) / 100) ** 2 * Math.min(canvas.width, canvas.height) / 2);

function erase(wanted) {
  isErasing = wanted;
  $("brush").setAttribute("aria-pressed", !wanted);
  $("eraser").setAttribute("aria-pressed", wanted);
}

/** Remembers the canvas, so that what follows can be undone. */
function begin() {
  past = [...past.slice(-19), context.getImageData(0, 0, canvas.width, canvas.height)];
}

function stroke(from, to) {
  context.globalCompositeOperation = isErasing ? "destination-out" : "source-over";
  context.strokeStyle = maskColour();
  context.lineWidth = 2 * radius();
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(from.x, from.y);
  // A line without length is not drawn.
  context.lineTo(to.x + 0.001, to.y);
  context.stroke();
}

/** Paints everything in a mode: `source-out` is what was free before. */
function flood(mode) {
  begin();
  context.globalCompositeOperation = mode;
  context.fillStyle = maskColour();
  context.fillRect(0, 0, canvas.width, canvas.height);
}

function undo() {
  if (past.length > 0) context.putImageData(past.pop(), 0, 0);
}

/** Where a pointer is, in pixels of the image. */
function place({ clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  return { x: ((clientX - box.left) / box.width) * canvas.width, y: ((clientY - box.top) / box.height) * canvas.height };
}

function showCursor() {
  const scale = canvas.getBoundingClientRect().width / canvas.width;
  const { style } = $("cursor");
  style.left = `${spot.x * scale}px`;
  style.top = `${spot.y * scale}px`;
  style.width = style.height = `${Math.max(4, 2 * radius() * scale)}px`;
  $("cursor").hidden = false;
}

function pointer() {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus();
    begin();
    spot = place(event);
    stroke(spot, spot);
    showCursor();
  });
  canvas.addEventListener("pointermove", (event) => {
    const isPainting = canvas.hasPointerCapture(event.pointerId);
    const events = isPainting ? event.getCoalescedEvents?.() ?? [] : [];
    for (const part of [...events, event].map(place)) {
      if (isPainting) stroke(spot, part);
      spot = part;
    }
    showCursor();
  });
  canvas.addEventListener("pointerleave", () => ($("cursor").hidden = true));
}

function keyboard(event) {
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "z") undo(), event.preventDefault();
    return;
  }
  const size = $("brush-size");
  const commands = {
    b: () => erase(false),
    e: () => erase(true),
    i: () => flood("source-out"),
    "[": () => (size.value = Number(size.value) - 5),
    "]": () => (size.value = Number(size.value) + 5),
  };
  if (event.target === canvas) {
    const by = Math.max(1, canvas.width / (event.shiftKey ? 10 : 50));
    const move = (x, y) => () => {
      spot = { x: Math.min(canvas.width, Math.max(0, spot.x + x * by)), y: Math.min(canvas.height, Math.max(0, spot.y + y * by)) };
    };
    Object.assign(commands, {
      ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, -1), ArrowDown: move(0, 1),
      " ": () => (begin(), stroke(spot, spot)),
    });
  }
  const command = commands[event.key];
  if (!command) return;
  event.preventDefault();
  command();
  showCursor();
}

/** The mask as the server reads it, white on black; null if nothing is painted. */
async function mask() {
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 0; i < image.data.length; i += 4) {
    const value = image.data[i + 3] >= 128 ? 255 : 0;
    painted += value;
    image.data.set([value, value, value, 255], i);
  }
  if (painted === 0) return null;
  const sheet = new OffscreenCanvas(canvas.width, canvas.height);
  sheet.getContext("2d").putImageData(image, 0, 0);
  return sheet.convertToBlob();
}

/** Makes the painter work. */
export function painter() {
  pointer();
  dialog.addEventListener("keydown", keyboard);
  $("paint").addEventListener("click", paint);
  $("brush").addEventListener("click", () => erase(false));
  $("eraser").addEventListener("click", () => erase(true));
  $("undo").addEventListener("click", undo);
  $("clear").addEventListener("click", () => flood("destination-out"));
  $("invert").addEventListener("click", () => flood("source-out"));
  $("brush-size").addEventListener("input", showCursor);
  $("paint-done").addEventListener("click", async () => {
    const painted = await mask();
    dialog.close();
    await hold("mask", painted);
    say(painted ? "The mask is set" : "Nothing is painted, so there is no mask");
  });
}
