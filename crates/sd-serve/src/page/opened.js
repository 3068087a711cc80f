// Images from outside: dropped, pasted or chosen. Their settings are read, or the drawing begins with them.

import { $, element, open, show } from "./dom.js";
import { complain, fill } from "./form.js";
import { paint } from "./painter.js";
import { hold, source } from "./pictures.js";
import { ask } from "./server.js";

const dialog = $("opened");
let image = null;
let found = null;
/** What the next chosen file is for: to be looked at, or to be held at once. */
let purpose = null;

/** Shows an image and what it says, and lets the user choose what to do with it. */
async function look(blob) {
  image = blob;
  source($("opened-image"), blob);
  const answer = await ask("POST", "v1/read", blob);
  found = answer.job;
  const texts = Object.entries(answer.texts ?? {}).map(([key, text]) => `${key}: ${text}`);
  $("opened-title").textContent = blob.name ?? "Pasted image";
  $("opened-text").textContent = answer.parameters ?? (texts.join("\n") || "It says nothing about how it was made.");
  const unknown = found ? (answer.unknown ?? []) : [];
  $("opened-notes").replaceChildren(...unknown.map((line) => element("li", { textContent: line })));
  show($("opened-notes"), unknown.length > 0);
  show($("opened-settings"), Boolean(found));
  $("opened-init").classList.toggle("main", !found);
  open(dialog);
}

async function take(file) {
  const wanted = purpose;
  purpose = null;
  try {
    if (!file) throw new Error("There is no image in what was dropped.");
    await (wanted ? hold(wanted, file) : look(file));
  } catch (error) {
    complain(error, false);
  }
}

function choose(what) {
  purpose = what;
  $("file").value = "";
  $("file").click();
}

const imageIn = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));

function dropping() {
  const hasFile = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    show($("drop"), true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? show($("drop"), false));
  addEventListener("drop", (event) => {
    show($("drop"), false);
    if (!hasFile(event)) return;
    event.preventDefault();
    take(imageIn(event.dataTransfer.files));
  });
  addEventListener("paste", (event) => {
    const file = imageIn(event.clipboardData?.files);
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}

/** Makes opening images work. */
export function opening() {
  dropping();
  $("open").addEventListener("click", () => choose(null));
  $("init-pick").addEventListener("click", () => choose("init"));
  $("control-pick").addEventListener("click", () => choose("control"));
  $("file").addEventListener("change", ({ target }) => target.files[0] && take(target.files[0]));
  $("init-remove").addEventListener("click", () => hold("init", null));
  $("mask-remove").addEventListener("click", () => hold("mask", null));
  $("control-remove").addEventListener("click", () => hold("control", null));
  const closing = (id, work) => $(id).addEventListener("click", () => {
    dialog.close();
    work().catch((error) => complain(error, false));
  });
  closing("opened-settings", () => fill(found));
  closing("opened-init", () => hold("init", image));
  closing("opened-control", async () => {
    $("steer").open = true;
    $("control").value ||= $("control").options[1].value;
    await hold("control", image);
  });
  closing("opened-mask", async () => {
    await hold("init", image);
    await paint();
  });
}
