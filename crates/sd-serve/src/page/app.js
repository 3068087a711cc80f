// The page: its parts, and the keys that work everywhere.

import { $ } from "./dom.js";
import { cancel, draw, follow, showLast } from "./drawing.js";
import { complain, form, job } from "./form.js";
import { gallery, images, newest } from "./gallery.js";
import { opening } from "./opened.js";
import { painter } from "./painter.js";
import { describe, settings } from "./settings.js";
import { view, viewer } from "./viewer.js";

const narrow = matchMedia("(max-width: 55rem)");

async function submit(event) {
  event?.preventDefault();
  if (narrow.matches) $("stage").scrollIntoView();
  await draw(await job());
}

function keys() {
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
    if (event.key === "Escape") cancel();
  });
  for (const button of document.querySelectorAll("[data-closes]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

function theme() {
  const themes = ["system", "light", "dark"];
  const { dataset } = document.documentElement;
  const name = () => ($("theme-name").textContent = `Theme: ${dataset.theme}`);
  $("theme").addEventListener("click", () => {
    dataset.theme = themes[(themes.indexOf(dataset.theme) + 1) % themes.length];
    localStorage.setItem("theme", dataset.theme);
    name();
  });
  name();
}

function fold() {
  $("settings").open = !narrow.matches;
}

form.addEventListener("submit", submit);
$("cancel").addEventListener("click", cancel);
narrow.addEventListener("change", fold);
keys();
theme();
fold();
settings();
gallery(view);
viewer();
painter();
opening();
// On a phone its keyboard would hide the page.
if (!narrow.matches) $("prompt").focus();
try {
  await describe();
  await newest();
  if (images[0]) await showLast(images[0].url);
  await follow();
} catch (error) {
  complain(error, false);
}
