/** Asks whether the patient is still there, counting down; any touch answers it. */

import { button, el, icon } from "./dom.js";
import { t } from "./texts.js";

export class IdleDialog {
  #dialog;
  #seconds = null;

  constructor(dialog) {
    this.#dialog = dialog;
  }

  /** Ask, or count on. */
  warn(seconds) {
    if (!this.#dialog.open) this.#ask();
    const text = t("idle.text", { seconds });
    if (this.#seconds.textContent !== text) this.#seconds.textContent = text;
  }

  /** Somebody is there. */
  calm() {
    if (!this.#dialog.open) return;
    this.#dialog.close();
    this.#dialog.replaceChildren();
  }

  #ask() {
    this.#seconds = el("p", { id: "idle-text", role: "timer" });
    this.#dialog.replaceChildren(
      icon("clock", "huge"),
      el("h2", { id: "idle-title" }, t("idle.title")),
      this.#seconds,
      button({ text: t("idle.stay"), picture: "hand", kind: "primary large", autofocus: true }),
    );
    this.#dialog.showModal();
  }
}
