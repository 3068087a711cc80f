// The large view of an image, with its settings and what can be done with it.

import { $, confirm, element, open } from "./dom.js";
import { draw, lastPath } from "./drawing.js";
import { complain, fill } from "./form.js";
import { description, images, older } from "./gallery.js";
import { paint } from "./painter.js";
import { hold } from "./pictures.js";
import { address, ask, file } from "./server.js";

const dialog = $("viewer");
let shown = null;

/** Opens the large view of an image. */
export async function view(image) {
  shown = image;
  const { parameters, width, height, seed, created } = image;
  $("viewer-title").textContent = `Image ${images.indexOf(image) + 1}`;
  $("viewer-prompt").textContent = description(image);
  const facts = [["Size", `${width} × ${height}`], ["Seed", seed], ...listed(parameters ?? "")];
  if (created) facts.push(["Drawn", new Date(created).toLocaleString()]);
  // The text has the size and the seed, too, in its own words.
  const rows = new Map(facts.filter(([name], i) => i < 2 || (name !== "Size" && name !== "Seed")));
  $("viewer-settings").replaceChildren(
    ...[...rows].map(([name, value]) => element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value }))),
  );
  $("previous").disabled = images.indexOf(image) === 0;
  open(dialog);
  const img = $("viewer-image");
  img.alt = description(image);
  img.classList.toggle("small", width < 256);
  const url = await address(image.url);
  if (shown !== image) return;
  if (img.src.startsWith("blob:")) URL.revokeObjectURL(img.src);
  img.src = url;
  $("download").href = url;
  $("download").download = `${seed}.png`;
}

/** The pairs of AUTOMATIC1111's text: the negative prompt, and the settings of its last line. */
function listed(text) {
  const [, negative] = /\nNegative prompt: ([^]*?)(?:\nSteps: |$)/.exec(text) ?? [];
  const line = /(?:^|\n)(Steps: .*)$/.exec(text)?.[1] ?? "";
  const pairs = [...line.matchAll(/\s*([\w .\/-]+): ("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)/g)];
  return [...(negative ? [["Negative prompt", negative]] : []), ...pairs.map(([, name, value]) => [name, value])];
}

/** The job that drew this image alone. Where it was removed, what the image itself says. */
async function jobOf({ job: id, seed, url }) {
  const { job } = await ask("GET", `v1/jobs/${id}`).catch(async () => ask("POST", "v1/read", await file(url)));
  if (!job) throw new Error("This image does not say how it was drawn.");
  return { ...job, count: 1, request: { ...job.request, seed } };
}

async function step(by) {
  const at = images.indexOf(shown) + by;
  if (at >= images.length) await older();
  if (images[at]) view(images[at]);
}

/** Does something with the image, after the view is closed. */
function after(work) {
  return async () => {
    dialog.close();
    try {
      await work(shown);
    } catch (error) {
      complain(error, false);
    }
  };
}

/** Makes the large view work. */
export function viewer() {
  $("again").addEventListener("click", after(async (image) => draw(await jobOf(image))));
  $("use-settings").addEventListener("click", after(async (image) => {
    await fill(await jobOf(image));
    $("prompt").focus();
  }));
  $("use-init").addEventListener("click", after(async (image) => hold("init", await file(image.url))));
  $("use-mask").addEventListener("click", after(async (image) => {
    await hold("init", await file(image.url));
    await paint();
  }));
  $("copy").addEventListener("click", async ({ target }) => {
    await navigator.clipboard.writeText(shown.parameters ?? "");
    confirm(target, "Copied");
  });
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") step(-1);
    if (key === "ArrowRight") step(1);
  });
  $("result").addEventListener("click", () => {
    const image = images.find(({ url }) => url.endsWith(lastPath())) ?? images[0];
    if (image) view(image);
  });
}
