// The images that the form holds: the initial one, its mask, and the one that steers.

import { $, show } from "./dom.js";
import { follow, isLarger } from "./sizes.js";

/** Each is null or `{ blob, width, height }`. */
export const pictures = { init: null, mask: null, control: null };

let limit = Infinity;

/** Images of more pixels are made smaller before they are sent. */
export const limitPixels = (pixels) => (limit = pixels);

/** Holds an image, or none with null. */
export async function hold(kind, blob) {
  pictures[kind] = blob && (await readable(blob));
  if (kind === "init") pictures.mask = null;
  if (kind === "init" && blob) follow(pictures.init);
  // So the image keeps its size, and all its bytes outside the mask.
  if (kind === "mask" && blob && isLarger(pictures.init)) $("only-masked").value ||= 32;
  await showPictures();
  $("job").dispatchEvent(new Event("input", { bubbles: true }));
}

async function showPictures() {
  const { init, mask, control } = pictures;
  source($("init-image"), init?.blob);
  source($("control-image"), control?.blob);
  source($("mask-image"), mask && (await tinted(mask)));
  show($("init"), Boolean(init));
  show($("init-pick"), !init);
  show($("mask"), Boolean(mask));
  show($("mask-image"), Boolean(mask));
  show($("control-image"), Boolean(control));
  show($("control-remove"), Boolean(control));
  show($("control-note"), !control);
  $("init-note").textContent = init ? `${init.width} × ${init.height}${mask ? ", with a mask" : ""}` : "";
  $("paint").textContent = mask ? "Change the mask" : "Paint a mask";
  if (init) $("start").open = true;
}

/** Gives an `img` a blob, and frees its last one. */
export function source(img, blob) {
  if (img.src.startsWith("blob:")) URL.revokeObjectURL(img.src);
  if (blob) img.src = URL.createObjectURL(blob);
  else img.removeAttribute("src");
}

/** A file that the server reads, and its size: other formats and very large images are written anew as PNG. */
async function readable(blob) {
  const bitmap = await createImageBitmap(blob).catch(() => {
    throw new Error("This file is no image that the browser can read.");
  });
  const { width, height } = bitmap;
  const scale = Math.min(1, Math.sqrt(limit / (width * height)));
  if (scale === 1 && /^image\/(png|jpeg|webp)$/.test(blob.type)) return { blob, width, height };
  const canvas = new OffscreenCanvas(Math.floor(width * scale), Math.floor(height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return { blob: await canvas.convertToBlob(), width: canvas.width, height: canvas.height };
}

/** Draws a mask onto a canvas: opaque where it is white. */
export async function drawMask(context, { blob, width, height }, colour) {
  const scratch = new OffscreenCanvas(width, height).getContext("2d");
  scratch.drawImage(await createImageBitmap(blob), 0, 0);
  const image = scratch.getImageData(0, 0, width, height);
  for (let i = 0; i < image.data.length; i += 4) image.data[i + 3] = image.data[i];
  scratch.putImageData(image, 0, 0);
  scratch.globalCompositeOperation = "source-in";
  scratch.fillStyle = colour;
  scratch.fillRect(0, 0, width, height);
  context.drawImage(scratch.canvas, 0, 0);
}

/** The colour of masks, as the style sheet has it. */
export const maskColour = () => getComputedStyle(document.documentElement).getPropertyValue("--mask");

async function tinted(mask) {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  await drawMask(canvas.getContext("2d"), mask, maskColour());
  return canvas.convertToBlob();
}

/** Puts the images into a job, in base64. */
export async function putPictures({ request, controls }) {
  const { init, mask, control } = pictures;
  if (init) request.init = { image: await base64(init.blob) };
  if (mask) request.inpaint = { ...request.inpaint, mask: await base64(mask.blob) };
  if (controls) request.controls[0].network = 0;
  if (controls && control) request.controls[0].image = await base64(control.blob);
}

/** Takes the images out of a job. */
export async function fillPictures({ request, controls }) {
  pictures.init = await taken(request?.init?.image);
  pictures.mask = await taken(request?.inpaint?.mask);
  pictures.control = await taken(request?.controls?.[0]?.image);
  show($("control-settings"), Boolean(controls?.length));
  await showPictures();
}

const taken = (text) => text && readable(fromBase64(text));

/** A blob of base64 text, which may be a data URL. */
export function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text.replace(/^data:.*?,/, "")), (character) => character.charCodeAt(0));
  const type = bytes[0] === 0xff ? "image/jpeg" : bytes[0] === 0x52 ? "image/webp" : "image/png";
  return new Blob([bytes], { type });
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^data:.*?,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
