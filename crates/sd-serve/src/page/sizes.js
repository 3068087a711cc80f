// The size of the drawing.

import { $ } from "./dom.js";

/** What the model draws if nothing is said; models are best near it. */
let native = { width: 512, height: 512 };

/** Learns the model's own size. */
export const learn = ({ width, height }) => (native = { width, height });

const size = (id) => Number($(id).value || $(id).placeholder) || native[id];
const unit = () => (native.width < 256 ? 8 : 64);

/** Sets the proportions of a width and a height, with so many pixels, in whole units. */
function set(ratio, pixels) {
  const rounded = (side) => Math.max(unit(), Math.round(side / unit()) * unit());
  $("width").value = rounded(Math.sqrt(pixels * ratio));
  $("height").value = rounded(Math.sqrt(pixels / ratio));
}

/** Leaves the size to an initial image, unless that is much larger than what the model draws: a photograph is. */
export function follow({ width, height }) {
  const pixels = native.width * native.height;
  if (width * height > 2.25 * pixels) return set(width / height, pixels);
  $("width").value = $("height").value = "";
}

/** Whether an image is larger than the drawing. */
export const isLarger = ({ width, height }) => width > size("width") || height > size("height");

/** Makes the buttons beside the size work; `changed` is called after each change. */
export function sizes(changed) {
  $("shapes").addEventListener("click", ({ target }) => {
    const [wide, high] = target.dataset.shape?.split(":").map(Number) ?? [];
    if (!high) return;
    set(wide / high, size("width") * size("height"));
    changed();
  });
  $("swap").addEventListener("click", () => {
    [$("width").value, $("height").value] = [size("height"), size("width")];
    changed();
  });
}
