// Small words for the document.

/** The element with an id. */
export const $ = (id) => document.getElementById(id);

/** Makes an element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Shows or hides an element, and takes the fields of a hidden group out of the form. */
export function show(element, shown) {
  element.hidden = !shown;
  if (element.tagName === "FIELDSET") element.disabled = !shown;
}

/** Tells a screen reader. The same words twice are said twice. */
export function say(words) {
  $("status").textContent = "";
  requestAnimationFrame(() => ($("status").textContent = words));
}

/** Says on a button for a moment that it has done its work. */
export function confirm(button, words) {
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = words;
  say(words);
  setTimeout(() => (button.textContent = label), 1500);
}

/** Calls `run` once no call has come for `delay` milliseconds. */
export function settled(run, delay) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, delay);
  };
}

/** A dialog's promise: it opens, and when it is closed the focus returns to where it was. */
export function open(dialog) {
  if (dialog.open) return;
  const before = document.activeElement;
  dialog.showModal();
  dialog.addEventListener("close", () => before?.isConnected && before.focus({ preventScroll: true }), { once: true });
}
