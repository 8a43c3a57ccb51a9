/** The page's one state: which screen is shown, whose visit it is, and how all of it is wiped. */

import * as api from "./api.js";
import { el, icon } from "./dom.js";
import { IdleDialog } from "./idle_dialog.js";
import { Presence } from "./presence.js";
import { scrollCue } from "./scroll_cue.js";
import { homeLanguage, setLanguage, t } from "./texts.js";

export class Kiosk {
  #parts;
  #screens;
  #idle;
  #presence;
  #left = new AbortController();

  /** The visit as the server last told it; null when nobody is signed in. */
  visit = null;
  /** Whether this kiosk reads faces and cards, simulates, and how long it waits for a touch. */
  traits = { offers_face: false, offers_scan: false, simulated: false, idle_s: 60, warn_s: 35 };
  /** The spots of this visit by lesion id: where each is, and, if this page took its picture, its hash and the answers. */
  lesions = new Map();
  /** The id of a face that was taken and is not yet part of an account. */
  enrolment = null;
  #languageChosen = false;
  /** Whether the server may have a visit that this page gave up on. */
  #unsettled = false;

  /** `parts` are the page's fixed elements, `screens` the functions that draw what is between them. */
  constructor(parts, screens) {
    this.#parts = parts;
    this.#screens = screens;
    this.#idle = new IdleDialog(parts.idle);
    this.#presence = new Presence({
      seen: (visit) => this.#see(visit),
      warn: (seconds) => this.#idle.warn(seconds),
      calm: () => this.#idle.calm(),
      gone: () => this.#gone(),
      trouble: (whether) => this.#trouble(whether),
    });
    for (const event of ["pointerdown", "keydown", "input", "wheel"]) {
      document.addEventListener(event, () => this.#presence.touched(), { capture: true, passive: true });
    }
  }

  /** Show a screen by name; what the last one still waits for is withdrawn. */
  show(name, given = {}) {
    this.#clearScreen();
    this.#left = new AbortController();
    const { signal } = this.#left;
    const { content, actions = [], bar = [], kind = name } = this.#screens[name]({ kiosk: this, signal, ...given });
    const body = el("div", { class: "content" }, content);
    const { screen } = this.#parts;
    screen.dataset.screen = kind;
    screen.append(body, scrollCue(body.querySelector("[data-scroll]") ?? body, signal));
    if (actions.length) screen.append(el("div", { class: "actions" }, actions));
    this.#parts.bar.replaceChildren(
      el("div", { class: "brand" }, icon("logo"), el("span", {}, t("app.name"))),
      el("div", { class: "bar-buttons" }, bar),
    );
    (screen.querySelector("[data-focus]") ?? screen.querySelector("h1"))?.focus({ preventScroll: true });
  }

  /** The page was loaded; in the middle of a visit it goes on with it. */
  async start() {
    setLanguage(homeLanguage());
    const visit = await this.#arrive();
    if (visit && visit.state !== "idle") this.begin(visit);
    else if (visit) this.show("welcome");
  }

  /** Back to the start: for the same person, who gave a form up, or as if nobody had been here. */
  async home({ samePerson = false } = {}) {
    this.wipe();
    if (!samePerson) this.forgetLanguage();
    const visit = await this.#arrive();
    if (!visit) return;
    // Nobody is here to go on with a visit that began, or went on, while this page had given it up.
    if (this.#unsettled && visit.state !== "idle" && !(await this.#patiently(api.end))) return;
    this.#unsettled = false;
    this.show("welcome");
  }

  /** Somebody is signed in; `first` is the screen that receives them, with what it is given. */
  begin(visit, first = "bodySite", given = {}) {
    if (!this.#languageChosen) setLanguage(visit.language);
    this.enrolment = null;
    this.#learn(visit);
    this.#see(visit);
    this.#presence.watchVisit(visit);
    this.show(first, given);
  }

  /** A picture was saved. */
  remember({ lesion_id: id, body_site: site, image_sha256: picture }, answers) {
    this.lesions.set(id, { site, picture, answers });
  }

  /** A form on which something personal is typed before anybody is signed in; during a visit it is watched anyway. */
  watchForm() {
    if (!this.visit) this.#presence.watchForm(this.traits);
  }

  chooseLanguage(code) {
    this.#languageChosen = true;
    setLanguage(code);
    this.#learn(this.traits);
  }

  /** The language of the place again. */
  forgetLanguage() {
    this.#languageChosen = false;
    setLanguage(homeLanguage());
    this.#learn(this.traits);
  }

  /** End the visit. The screen is wiped first; then the server is asked until it says that the visit is over. */
  async end() {
    this.wipe();
    this.show("closing");
    if (await this.#patiently(api.end)) this.show("ended", { by: "patient" });
  }

  /** The account is deleted, and with it the visit is over. */
  async deleted() {
    this.wipe();
    this.show("closing");
    if (await this.#patiently(api.end)) this.show("ended", { by: "deletion" });
  }

  /**
   * Run a step that the patient waits for; `failed` hears of a Problem, nobody of what was withdrawn. Until it is over
   * the screen cannot be left, unless it `mayLeave`. A step that `endsVisit` is not taken for a patient who went away.
   */
  async attempt(step, failed, { mayLeave = false, endsVisit = false } = {}) {
    this.#hold(!mayLeave);
    try {
      return await this.#presence.during(step, { endsVisit });
    } catch (error) {
      if (error.name === "AbortError") {
        this.#unsettled = true;
        return null;
      }
      if (!(error instanceof api.Problem)) throw error;
      if (error.code === "nobody-signed-in" && this.visit) this.#gone();
      else failed(error);
      return null;
    } finally {
      this.#hold(false);
    }
  }

  /** While a step runs, nothing can be left: its outcome belongs to whoever asked for it. */
  #hold(whether) {
    this.#parts.bar.inert = whether;
    for (const way of this.#parts.screen.querySelectorAll(".actions, .other-way")) way.inert = whether;
  }

  /** Forget the patient: nothing of the visit stays in the page. */
  wipe() {
    this.#presence.rest();
    this.#away(false);
    this.#clearScreen();
    this.#parts.bar.replaceChildren();
    if (this.enrolment) api.faceEnrolment.giveUp(this.enrolment).catch(() => {});
    this.enrolment = null;
    this.visit = null;
    this.lesions.clear();
    getSelection()?.removeAllRanges();
  }

  #see(visit) {
    this.visit = visit;
    this.#away(visit.face_watch === "missing");
    // Added to, never replaced: an answer may be older than the last picture.
    for (const { lesion_id: id, body_site: site } of visit.lesions) {
      if (!this.lesions.has(id)) this.lesions.set(id, { site, picture: null, answers: null });
    }
  }

  #clearScreen() {
    this.#left.abort();
    const { screen } = this.#parts;
    for (const form of screen.querySelectorAll("form")) form.reset();
    for (const picture of screen.querySelectorAll("img")) picture.removeAttribute("src");
    screen.replaceChildren();
  }

  #gone() {
    this.#unsettled = true;
    this.wipe();
    this.show("ended", { by: "idle" });
  }

  #learn({ offers_face, offers_scan, simulated, idle_s, warn_s }) {
    this.traits = { offers_face, offers_scan, simulated, idle_s, warn_s };
    this.#parts.simulated.hidden = !simulated;
    this.#parts.simulated.replaceChildren(icon("flask"), el("span", {}, t("simulated.banner")));
  }

  #trouble(whether) {
    const { trouble } = this.#parts;
    if (trouble.hidden === !whether) return;
    trouble.hidden = !whether;
    trouble.replaceChildren(...(whether ? [icon("unplugged"), el("span", {}, t("app.unreachable"))] : []));
  }

  /** The face that was before the screen is gone; the visit soon is as well. */
  #away(whether) {
    const { away } = this.#parts;
    if (away.hidden === !whether) return;
    away.hidden = !whether;
    away.replaceChildren(...(whether ? [icon("eye"), el("span", {}, t("idle.away"))] : []));
  }

  async #arrive() {
    this.show("starting");
    const visit = await this.#patiently(api.visit);
    if (visit) this.#learn(visit);
    return visit;
  }

  /** Ask until there is an answer; null when the screen changed meanwhile, {} when there is no visit left to end. */
  async #patiently(question) {
    const { signal } = this.#left;
    while (!signal.aborted) {
      try {
        return await question(signal);
      } catch (error) {
        if (error.code === "nobody-signed-in") return {};
        if (!signal.aborted) await new Promise((resume) => setTimeout(resume, 1000));
      }
    }
    return null;
  }
}
