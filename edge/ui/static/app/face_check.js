/**
 * A face check as the patient sees it: themselves in a mirror with an oval to fill, what to do now as a picture and in
 * words, and the colours with which the whole screen shines on the face.
 */

import * as api from "./api.js";
import { button, el, heading, icon, svg } from "./dom.js";
import { showPreview } from "./preview.js";
import { problemPlace } from "./problem.js";
import { has, t } from "./texts.js";

const ASK_PAUSE_MS = 60;
const PREVIEW_PAUSE_MS = 90;
const STEP_PICTURES = {
  look: "face-look",
  "turn-left": "face-left",
  "turn-right": "face-right",
  "come-near": "face-near",
};

/**
 * `process` begins, asks about and gives up a check (see api.js); `done` hears {id, state, …} of one that succeeded,
 * `failed` the Problem of one that did not, and returns what to say instead of its usual words, if anything.
 */
export function faceCheck({ kiosk, signal, process, title, hint, start: startText, done, failed = () => null }) {
  const place = problemPlace();
  const mirror = faceMirror(signal);
  const picture = el("div", { class: "guide-picture" });
  const words = el("p", { class: "guide-words", "aria-live": "assertive" });
  const steps = el("div", { class: "guide-steps", "aria-hidden": "true" });
  const left = el("p", { class: "guide-left", role: "timer" });
  const flash = el("div", { class: "flash", hidden: true, "aria-hidden": "true" });
  const start = button({ text: startText, picture: "face", kind: "primary large", "data-do": "face-start", onclick: run });
  const node = el(
    "div",
    { class: "face-check" },
    flash,
    mirror.node,
    el("div", { class: "guide" }, heading(title), picture, words, left, steps, place.node),
  );

  function rest(text = hint) {
    delete node.dataset.running;
    shine(null);
    mirror.progress(0);
    picture.replaceChildren(icon("face-look"));
    words.textContent = text;
    left.textContent = "";
    steps.replaceChildren();
    start.disabled = false;
    start.hidden = false;
  }

  function draw({ guidance, step, seconds_left: secondsLeft, flash: colour, step_number: number, steps_total: total }) {
    const name = STEP_PICTURES[step] ?? "face-look";
    if (picture.dataset.step !== name) picture.replaceChildren(icon(name));
    picture.dataset.step = name;
    const key = has(`guide.${guidance}`) ? `guide.${guidance}` : `guide.${has(`guide.${step}`) ? step : "look"}`;
    if (words.textContent !== t(key)) words.textContent = t(key);
    const seconds = Math.max(0, Math.ceil(secondsLeft ?? 0));
    left.textContent = seconds ? t("guide.left", { seconds }) : "";
    if (total) {
      steps.replaceChildren(...Array.from({ length: total }, (_, at) => el("span", { class: at < number ? "done" : "" })));
      mirror.progress(number / total);
    }
    node.dataset.step = step ?? "";
    shine(colour);
  }

  function shine(colour) {
    flash.hidden = !colour;
    node.classList.toggle("shining", Boolean(colour));
    if (colour) flash.style.backgroundColor = colour;
  }

  async function follow() {
    // Whoever leaves before the answer leaves a check that runs: only its answer says which one to give up.
    const begun = await process.begin();
    const giveUp = () => process.giveUp(begun.attempt_id).catch(() => {});
    if (signal.aborted) await giveUp();
    signal.throwIfAborted();
    signal.addEventListener("abort", giveUp);
    try {
      for (;;) {
        const now = await process.ask(begun.attempt_id, signal);
        if (now.state === "failed") throw problemOf(now);
        if (now.state !== "running") return { id: begun.attempt_id, ...now };
        draw(now);
        await new Promise((resume) => setTimeout(resume, ASK_PAUSE_MS));
        signal.throwIfAborted();
      }
    } finally {
      signal.removeEventListener("abort", giveUp);
      shine(null);
    }
  }

  async function run() {
    place.clear();
    start.disabled = true;
    start.hidden = true;
    node.dataset.running = "";
    words.textContent = t("guide.look");
    const outcome = await kiosk.attempt(follow, tell, { mayLeave: true });
    if (outcome && !signal.aborted) await done(outcome);
  }

  function tell(problem) {
    if (signal.aborted) return;
    start.querySelector("span").textContent = t("nav.again");
    rest();
    const said = failed(problem);
    if (said) place.say(problem.code, said.title, said.text);
    else place.tell(problem);
    start.focus();
  }

  rest();
  return { node, start, tell };
}

/** The face camera's view with an oval to fill; `progress` from 0 to 1 runs round it. */
export function faceMirror(signal, shape = ovalShape()) {
  const image = el("img", { class: "mirror-live", alt: t("guide.mirror") });
  const noView = el("p", { class: "no-view", hidden: true }, icon("unplugged", "huge"), el("span", {}, t("guide.no_view")));
  showPreview(image, {
    take: api.facePreview,
    signal,
    pauseMs: PREVIEW_PAUSE_MS,
    seen: (yes) => {
      noView.hidden = yes;
      image.hidden = !yes;
    },
  });
  const node = el("div", { class: "mirror" }, image, shape.node, noView);
  return { node, progress: shape.progress };
}

function ovalShape() {
  const line = "M80 12a35 46 0 1 1 -.01 0z";
  const way = svg("path", { class: "oval-way", d: line, pathLength: 100, "stroke-dasharray": "0 100" });
  const node = svg(
    "svg",
    { class: "oval", viewBox: "0 0 160 120", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    svg("path", {
      class: "oval-outside",
      "fill-rule": "evenodd",
      d: "M-80 -80h320v280h-320z M115 58a35 46 0 1 0 -70 0a35 46 0 1 0 70 0z",
    }),
    svg("path", { class: "oval-line", d: line }),
    way,
  );
  return { node, progress: (share) => way.setAttribute("stroke-dasharray", `${100 * share} 100`) };
}

/** A check tells its failure as a code, or as a whole problem. */
function problemOf({ problem }) {
  const told = typeof problem === "string" ? { code: problem } : (problem ?? {});
  return new api.Problem(told.code ?? "internal", { remainingS: told.remaining_s ?? 0 });
}
