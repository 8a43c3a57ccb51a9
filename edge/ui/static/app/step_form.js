/** The form of a screen that is sent by the button in its actions. */

import { el } from "./dom.js";

export function stepForm(submitted, ...fields) {
  return el(
    "form",
    {
      id: "step",
      class: "form",
      novalidate: true,
      autocomplete: "off",
      onsubmit: (event) => {
        event.preventDefault();
        submitted();
      },
    },
    fields.flat(),
  );
}

/** What was sent is under way; `text` says so. */
export function setBusy(control, text) {
  control.disabled = true;
  control.querySelector("span").textContent = text;
}
