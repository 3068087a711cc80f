// The settings: their choices from the server's description, and what the model makes of those that are left open.

import { $, element, settled, show } from "./dom.js";
import { changed, choose, complain, fill, forgive, form, recall, remember, remembered, sketch } from "./form.js";
import { limitPixels } from "./pictures.js";
import { ask } from "./server.js";
import { learn, sizes } from "./sizes.js";

let defaults = {};

/** Fills the choices, and brings back what was chosen before. */
export async function describe() {
  const library = await ask("GET", "v1/library");
  const { models, loras, embeddings, vaes, upscalers, controls, samplers, schedules, preprocessors, limits } = library;
  defaults = library.defaults ?? {};
  offer($("model"), models, library.default_model ? `Default: ${library.default_model}` : null);
  offer($("sampler"), samplers, "Default");
  offer($("schedule"), schedules, "Default");
  offer($("vae"), vaes, "Default");
  offer($("upscaler"), ["lanczos", "latent", "latent-antialiased", ...upscalers], null);
  offer($("control"), controls, "None");
  offer($("preprocess"), preprocessors, null);
  show($("steer"), controls.length > 0);
  show($("opened-control"), controls.length > 0);
  words(loras, embeddings);
  limitPixels(limits?.pixels ?? Infinity);
  for (const [id, most] of [["steps", limits?.steps], ["count", limits?.count]]) if (most) $(id).max = most;
  const kept = remembered();
  await fill(open(defaults));
  recall(kept);
}

/** A job whose seed is drawn anew each time. */
const open = (job) => ({ ...job, request: { ...job.request, seed: null } });

/** Lists names, or what has a name, in a select; `none` stands for no choice, null if there is no such choice. */
function offer(select, entries, none) {
  const options = entries.map((entry) => new Option(entry.name ?? entry, entry.name ?? entry));
  select.replaceChildren(...(none === null ? [] : [new Option(none, "")]), ...options);
}

/** Buttons that put LoRAs and embeddings into the prompt, and take them out. */
function words(loras, embeddings) {
  const button = (name, tag) => {
    const made = element("button", { type: "button", textContent: name });
    made.dataset.tag = tag;
    return made;
  };
  const buttons = [
    ...loras.map((name) => button(name, `<lora:${name}:1>`)),
    ...embeddings.map((name) => button(name, name)),
  ];
  $("word-list").replaceChildren(...buttons);
  show($("words"), buttons.length > 0);
  show($("word-search"), buttons.length > 12);
}

/** Where a tag stands in the prompt; a LoRA with any weight. */
function standing(tag) {
  const start = tag.startsWith("<lora:") ? tag.slice(0, tag.lastIndexOf(":") + 1) : tag;
  const quoted = start.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = tag === start ? `(?<![\\w-])${quoted}(?![\\w-])` : `${quoted}[^>]*>`;
  return new RegExp(`\\s?${pattern}`).exec($("prompt").value);
}

function toggleWord({ target }) {
  const { tag } = target.dataset;
  if (!tag) return;
  const prompt = $("prompt");
  const found = standing(tag);
  const [start, end] = found ? [found.index, found.index + found[0].length] : [prompt.selectionEnd, prompt.selectionEnd];
  const space = !found && start > 0 && !/\s$/.test(prompt.value.slice(0, start)) ? " " : "";
  prompt.setRangeText(found ? "" : space + tag, start, end, "end");
  changed();
}

/** Shows in open fields what the model has for them. A second pass has a size and steps of its own. */
function fillOpen(outline, { request, hires }) {
  $("guidance").placeholder = outline.guidance ?? "";
  if (!request.sampler) $("sampler").options[0].textContent = `Default: ${outline.sampler}`;
  if (hires) return;
  for (const id of ["width", "height", "steps"]) $(id).placeholder = outline[id];
  if (!request.width && !request.height) learn(outline);
}

/** Shows what the plan has for settings that are left open, how long the prompts are, and what is wrong. */
async function plan() {
  controller?.abort();
  controller = new AbortController();
  try {
    const asked = sketch();
    const outline = await ask("POST", "v1/plan", asked, controller.signal);
    forgive();
    $("digest").textContent = `${outline.width} × ${outline.height}, ${outline.steps} steps`;
    fillOpen(outline, asked);
    for (const [id, field] of [["prompt-tokens", "prompt"], ["negative-tokens", "negative_prompt"]]) {
      const { count, chunks } = outline.tokens.find((tokens) => tokens.field === field) ?? { count: 0 };
      $(id).textContent = `${count} ${count === 1 ? "token" : "tokens"}${chunks > 1 ? ` in ${chunks} parts` : ""}`;
    }
    warn(outline.warnings);
    slide();
  } catch (error) {
    if (error.name !== "AbortError") complain(error, false);
  }
}
let controller;

/** Lists what will be ignored or done otherwise. */
export function warn(warnings) {
  $("warnings").replaceChildren(...warnings.map((warning) => element("li", { textContent: warning })));
  show($("warnings"), warnings.length > 0);
}

const sliders = () => form.querySelectorAll("[data-of]");

/** Moves the sliders to their fields' values; those of open settings are pale. */
function slide() {
  for (const slider of sliders()) {
    const field = $(slider.dataset.of);
    slider.value = field.value || field.placeholder;
    slider.classList.toggle("open", field.value === "");
  }
}

/** Makes the settings work. */
export function settings() {
  const planSoon = settled(plan, 300);
  form.addEventListener("input", ({ target }) => {
    if (target.dataset.of) $(target.dataset.of).value = target.value;
    if (target.dataset.holds) show($(target.dataset.holds), target.checked);
    show($("control-settings"), $("control").value !== "");
    for (const word of $("word-list").children) word.setAttribute("aria-pressed", Boolean(standing(word.dataset.tag)));
    slide();
    remember();
    planSoon();
  });
  $("word-list").addEventListener("click", toggleWord);
  $("word-search").addEventListener("input", ({ target }) => {
    for (const word of $("word-list").children) show(word, word.textContent.toLowerCase().includes(target.value.toLowerCase()));
  });
  sizes(changed);
  $("reset").addEventListener("click", async () => {
    const { prompt, negative_prompt } = sketch().request;
    const { request, ...rest } = open(defaults);
    await fill({ ...rest, request: { ...request, prompt, negative_prompt } });
    choose($("control"), "");
    changed();
  });
}
