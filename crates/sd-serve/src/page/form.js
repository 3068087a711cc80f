// The form and the job that it describes. A field's name is its path in the job: `request.width` is `job.request.width`.

import { $, element, show } from "./dom.js";
import { fillPictures, pictures, putPictures } from "./pictures.js";
import { sentence } from "./server.js";

export const form = $("job");
const fields = () => [...form.elements].filter((field) => field.name);
const isNumber = (field) => field.type === "number";

/** What the fields say, but for those that match a selector. Empty fields are left to the model. */
function described(without) {
  const made = { request: {} };
  for (const field of fields()) {
    const value = field.value.trim();
    if (value !== "" && !field.matches(without)) put(made, field.name, isNumber(field) ? Number(value) : value);
  }
  made.request.prompt ??= "";
  return made;
}

/** The job that the form describes. */
export async function job() {
  const made = described(":disabled");
  made.request.seed ??= String(crypto.getRandomValues(new Uint32Array(1))[0]);
  await putPictures(made);
  return made;
}

/** The job without its images: enough to plan, and small. */
export function sketch() {
  const made = described(":disabled, #init *, #steer *");
  const whole = (pixels) => Math.floor(pixels / 8) * 8;
  if (pictures.init) {
    made.request.width ??= whole(pictures.init.width);
    made.request.height ??= whole(pictures.init.height);
  }
  return made;
}

/** Fills the form from a job. */
export async function fill(job) {
  $("hires-on").checked = Boolean(job.hires);
  show($("hires"), $("hires-on").checked);
  for (const field of fields()) {
    const value = get(job, field.name) ?? "";
    if (field.tagName === "SELECT") choose(field, String(value));
    else field.value = value;
  }
  await fillPictures(job);
  changed();
}

/** Selects a value, which need not be among those that the server lists: `karras:5`. */
export function choose(select, value) {
  const known = [...select.options].some((option) => option.value === value);
  if (value !== "" && !known) select.add(new Option(value, value));
  select.value = known || value !== "" ? value : select.options[0]?.value ?? "";
}

function put(target, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  keys.forEach((key, i) => {
    const next = keys[i + 1] ?? last;
    target = target[key] ??= /^\d+$/.test(next) ? [] : {};
  });
  target[last] = value;
}

const get = (source, path) => path.split(".").reduce((value, key) => value?.[key], source);

/** Shows an error at the setting that is at fault, else above the button. */
export function complain(error, takesFocus) {
  forgive();
  const named = (field) => field.name === error.field || field.name.endsWith(`.${error.field}`) || field.id === error.field;
  const field = error.field && fields().find((field) => named(field) && !field.matches(":disabled"));
  if (!field) {
    $("form-error").textContent = error.message;
    return show($("form-error"), true);
  }
  // Beside the field its name need not be said.
  const words = sentence(error.message.replace(/^`?\w+`?:\s*|^`\w+` /i, ""));
  const note = element("p", { className: "error at-field", id: "field-error", textContent: words });
  note.setAttribute("role", "alert");
  field.closest(".field").append(note);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", note.id);
  if (!takesFocus) return;
  for (let details = field.closest("details"); details; details = details.parentElement.closest("details")) details.open = true;
  field.focus();
}

/** Takes an error away. */
export function forgive() {
  show($("form-error"), false);
  $("field-error")?.remove();
  form.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
}

/** Says that the form was changed by the page itself, as its user does by typing. */
export const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));

/** Remembers the form's words and numbers; images are too large for it. */
export function remember() {
  const kept = Object.fromEntries(fields().map((field) => [field.name, field.value]));
  localStorage.setItem("form", JSON.stringify({ ...kept, "hires-on": $("hires-on").checked }));
}

/** What was remembered; it may be from another version of the page. */
export function remembered() {
  try {
    return JSON.parse(localStorage.getItem("form")) ?? {};
  } catch {
    return {};
  }
}

/** Brings back what was remembered. */
export function recall(kept) {
  for (const field of fields()) {
    const value = kept[field.name];
    if (typeof value !== "string") continue;
    const isListed = field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value);
    if (isListed) field.value = value;
  }
  $("hires-on").checked = kept["hires-on"] === true;
  show($("hires"), $("hires-on").checked);
  changed();
}
