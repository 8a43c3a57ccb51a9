/**
 * Is the patient still there? During a visit the server's clock decides; on a form before it, ours does, so that a
 * half-typed name does not stay on the screen either.
 */

import * as api from "./api.js";

const LONGEST_TICK_MS = 1000;
const LONGEST_TOUCH_GAP_MS = 2000;

export class Presence {
  #tell;
  #mode = "rest";
  #visitId = null;
  #idleMs = 60_000;
  #warnMs = 35_000;
  #touchedAt = 0;
  #sentAt = 0;
  #asked = 0;
  #applied = 0;
  #running = 0;
  #ending = false;
  #warned = false;
  #withdraw = new AbortController();

  /** `tell` hears of: seen(visit), warn(seconds), calm(), gone(), trouble(whether). */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Watch the visit that the server has just confirmed. */
  watchVisit(visit) {
    this.#begin("visit", visit);
    this.#visitId = visit.visit_id;
  }

  /** Watch a form that nobody is signed in for yet. */
  watchForm(limits) {
    this.#begin("form", limits);
  }

  /** Nothing to protect: watch nobody. */
  rest() {
    this.#withdraw.abort();
    this.#mode = "rest";
    this.#visitId = null;
    this.#ending = false;
    this.#calm();
    this.#tell.trouble(false);
  }

  /** The patient did something. */
  touched() {
    const now = performance.now();
    this.#touchedAt = now;
    if (this.#mode === "form") this.#judge(this.#idleMs);
    if (this.#mode !== "visit") return;
    if (this.#warned || now - this.#sentAt > Math.min(LONGEST_TOUCH_GAP_MS, this.#idleMs / 10)) {
      this.#sentAt = now;
      this.#ask(api.touch);
    }
  }

  /** Run a step that the patient waits for; waiting is no absence. A step that `endsVisit` tells of its end itself. */
  async during(step, { endsVisit = false } = {}) {
    this.#running += 1;
    this.#ending = endsVisit;
    try {
      return await step();
    } catch (error) {
      this.#ending = false;
      throw error;
    } finally {
      this.#running -= 1;
      this.#touchedAt = performance.now();
    }
  }

  /** `idle_s` without a touch end it, `warn_s` without one bring the question. */
  #begin(mode, { idle_s: idleS, warn_s: warnS }) {
    this.rest();
    this.#mode = mode;
    this.#idleMs = idleS * 1000;
    this.#warnMs = warnS * 1000;
    this.#touchedAt = performance.now();
    this.#withdraw = new AbortController();
    this.#tick(this.#withdraw.signal);
  }

  async #tick(signal) {
    if (signal.aborted) return;
    if (this.#mode === "visit") await this.#ask(api.visit);
    else this.#judge(this.#leftHere());
    const pause = Math.min(LONGEST_TICK_MS, this.#idleMs / 20);
    if (!signal.aborted) setTimeout(() => this.#tick(signal), pause);
  }

  async #ask(question) {
    const { signal } = this.#withdraw;
    this.#asked += 1;
    const turn = this.#asked;
    try {
      const visit = await question(signal);
      // An answer that a later one overtook tells of a time before the last touch.
      if (signal.aborted || turn < this.#applied) return;
      this.#applied = turn;
      this.#tell.trouble(false);
      if (visit.visit_id !== this.#visitId) {
        if (!this.#ending) this.#tell.gone();
      } else {
        this.#tell.seen(visit);
        this.#judge(visit.remaining_s * 1000);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#tell.trouble(true);
      // With the server away nobody else ends the visit, and the screen must not keep a patient's data.
      if (this.#leftHere() <= 0) this.#tell.gone();
    }
  }

  #leftHere() {
    return this.#running > 0 ? this.#idleMs : this.#idleMs - (performance.now() - this.#touchedAt);
  }

  #judge(leftMs) {
    if (leftMs <= 0 && this.#mode === "form") this.#tell.gone();
    else if (leftMs < this.#idleMs - this.#warnMs) {
      this.#warned = true;
      this.#tell.warn(Math.max(1, Math.ceil(leftMs / 1000)));
    } else this.#calm();
  }

  #calm() {
    this.#warned = false;
    this.#tell.calm();
  }
}
