// Drawing: jobs are sent, the one that is drawn is followed, and can be cancelled.

import { $, say, show } from "./dom.js";
import { complain, forgive } from "./form.js";
import { newest } from "./gallery.js";
import { fromBase64, source } from "./pictures.js";
import { ServerError, address, ask, events } from "./server.js";
import { warn } from "./settings.js";

/** Jobs that are not finished, in their order. A reload of the page finds them again. */
let jobs = JSON.parse(sessionStorage.getItem("jobs") ?? "[]");
let last = null;

function keep(changed) {
  jobs = changed;
  sessionStorage.setItem("jobs", JSON.stringify(jobs));
  $("cancel").disabled = jobs.length === 0;
  $("cancel").textContent = jobs.length > 1 ? `Cancel (${jobs.length - 1} more)` : "Cancel";
}

/** Sends a job and follows it. */
export async function draw(job) {
  try {
    const { id, count, warnings } = await ask("POST", "v1/jobs", job);
    forgive();
    warn(warnings ?? []);
    keep([...jobs, { id, count }]);
    if (jobs.length === 1) follow();
    else say("It waits for its turn.");
  } catch (error) {
    complain(error, true);
  }
}

/** Cancels the job that is followed. */
export async function cancel() {
  if (jobs.length === 0) return;
  $("cancel").disabled = true;
  await ask("POST", `v1/jobs/${jobs[0].id}/cancel`).catch((error) => complain(error, false));
}

/** Follows the jobs one after the other: browsers allow few streams at a time. */
export async function follow() {
  while (jobs.length > 0) {
    keep(jobs);
    show($("progress"), true);
    say("Drawing");
    await followed(jobs[0]);
    keep(jobs.slice(1));
  }
  show($("progress"), false);
  document.title = "sd-burn";
}

/** Follows a job to its end, through interruptions of the network and restarts of the server. */
async function followed(job) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 8000)) {
    try {
      for await (const event of events(`v1/jobs/${job.id}/events`)) {
        pause = 500;
        if (await handled(job, event)) return;
      }
    } catch (error) {
      if (error.status >= 400 && error.status < 500) return error.status === 404 ? undefined : complain(error, false);
      $("step").textContent = "Waiting for the server";
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Shows an event; true after the last one. */
async function handled(job, event) {
  switch (event.type) {
    case "queued": {
      const ahead = event.position === 0 ? "Next in the queue" : `${event.position} before this in the queue`;
      progress(null, ahead, event.seconds);
      return false;
    }
    case "loading":
      progress(null, "Loading the model");
      return false;
    case "step": {
      const { image, images, call, calls, seconds_left } = event;
      const which = images > 1 ? `images ${image + 1} to ${image + images}` : `image ${image + 1}`;
      const of = job.count > 1 ? `, ${which} of ${job.count}` : "";
      progress((image + (images * call) / calls) / job.count, `Step ${call} of ${calls}${of}`, seconds_left);
      if (event.preview) picture(event.preview, "The drawing, unfinished", true);
      return false;
    }
    case "image":
      await finished(`v1/jobs/${job.id}/images/${event.index}`);
      return false;
    case "failed":
      complain(new ServerError(event.message), false);
      await withdrawn();
      return true;
    case "cancelled":
      say("Cancelled");
      await withdrawn();
      return true;
    default:
      return event.type === "done";
  }
}

/** Shows what was there before an unfinished drawing. */
async function withdrawn() {
  if (last) return finished(last, true);
  show($("result"), false);
  show($("nothing"), true);
}

async function finished(path, isOld) {
  last = path;
  picture(await address(path), "The finished image", false);
  if (isOld) return;
  say("An image is finished");
  await newest();
}

function picture(image, description, isPreview) {
  const img = $("picture");
  if (isPreview) source(img, fromBase64(image));
  else img.src = image;
  img.alt = description;
  show($("result"), true);
  show($("nothing"), false);
  $("result").disabled = isPreview;
}

let said = 0;

function progress(share, words, seconds) {
  const bar = $("bar");
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
  $("step").textContent = words;
  $("left").textContent = seconds == null ? "" : `${time(seconds)} left`;
  document.title = share === null ? "… sd-burn" : `${Math.round(100 * share)} % sd-burn`;
  // A screen reader that speaks each step would say nothing else.
  const quarter = Math.floor(4 * (share ?? 0));
  if (quarter !== said && quarter > 0 && quarter < 4) say(`${25 * quarter} percent, ${$("left").textContent}`);
  said = quarter;
}

/** 75 is "1 min 15 s". */
function time(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Shows what an earlier visit drew last. */
export const showLast = (path) => last ?? finished(path, true);

/** The address of the finished image that is shown. */
export const lastPath = () => last;
