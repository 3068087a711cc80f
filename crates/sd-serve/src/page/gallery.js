// The gallery: finished images, newest first, page by page.

import { $, element, show } from "./dom.js";
import { address, ask } from "./server.js";

/** The images that are shown, newest first. */
export let images = [];
let next = null;
const page = 24;

/** Loads the newest images, and adds those that are not there yet. */
export async function newest() {
  const answer = await ask("GET", `v1/images?limit=${page}`);
  const known = new Set(images.map(({ seq }) => seq));
  const fresh = answer.images.filter(({ seq }) => !known.has(seq));
  if (images.length === 0 || fresh.length === page) {
    // Nothing of what is shown is among the newest: there may be a gap, so it begins anew.
    images = [];
    $("gallery").replaceChildren();
    next = answer.next;
  }
  images = [...fresh, ...images];
  $("gallery").prepend(...fresh.map(tile));
  settle();
}

/** Loads the next page; false if there is none. */
export async function older() {
  if (next === null) return false;
  const answer = await ask("GET", `v1/images?limit=${page}&before=${next}`);
  next = answer.next;
  images = [...images, ...answer.images];
  $("gallery").append(...answer.images.map(tile));
  settle();
  return answer.images.length > 0;
}

/** Words for an image: its prompt. */
export const description = ({ parameters }) => (parameters ?? "").split(/\n(?:Negative prompt|Steps): /)[0].trim() || "Image without a prompt";

function settle() {
  show($("older"), next !== null);
  $("gallery-note").textContent = images.length === 0 ? "Finished images appear here." : "";
  const buttons = [...$("gallery").querySelectorAll("button")];
  // One stop for the Tab key; arrow keys move inside.
  const current = buttons.find((button) => button.tabIndex === 0) ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === current ? 0 : -1;
}

function tile(image) {
  const img = element("img", { alt: description(image), decoding: "async" });
  const button = element("button", { type: "button", tabIndex: -1 }, img);
  tiles.set(button, image);
  seen.observe(button);
  return element("li", {}, button);
}

const tiles = new WeakMap();

// Images are loaded when they come near the window.
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    address(tiles.get(target).url).then((url) => (target.firstChild.src = url));
  }
}, { rootMargin: "600px" });

/** Makes the gallery work; `view` opens an image. */
export function gallery(view) {
  $("older").addEventListener("click", older);
  $("gallery").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) view(tiles.get(button));
  });
  $("gallery").addEventListener("keydown", (event) => {
    const buttons = [...$("gallery").querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    const columns = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: buttons.length - 1 - at };
    const to = buttons[at + moves[event.key]];
    if (at < 0 || !to) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
}
