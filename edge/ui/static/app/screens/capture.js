/** The live view and the one big button. */

import * as api from "../api.js";
import { button, el, heading, icon, svg } from "../dom.js";
import { showPreview } from "../preview.js";
import { problemPlace } from "../problem.js";
import { t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

const HINTS = [
  ["dermoscope", "place"],
  ["ring", "centre"],
  ["still", "still"],
];
/** Words while the patient waits; the last one stays, so no step is claimed to be over that may not be. */
const WAITING = ["photo", "check", "assess"];
const WAITING_STEP_MS = 900;

export function capture({ kiosk, signal, site, lesionId, answers }) {
  const place = problemPlace();
  const image = el("img", { class: "live", alt: t("capture.live") });
  const noView = el(
    "p",
    { class: "no-view", hidden: true },
    icon("unplugged", "huge"),
    el("span", {}, t("capture.no_view")),
  );
  const waiting = el("div", { class: "waiting", hidden: true, role: "status" });
  const take = button({ text: t("capture.take"), picture: "camera", kind: "primary shutter", "data-do": "take" });
  const view = el("div", { class: "view" }, image, aim(), noView, waiting);
  const head = el(
    "div",
    { class: "capture-head" },
    heading(t("spot.at", { site: t(`body.${site}`) })),
    el(
      "div",
      { class: "capture-back" },
      button({ text: t("capture.change"), kind: "small", "data-do": "change", onclick: () => kiosk.show("bodySite") }),
      button({
        text: t("capture.answers"),
        kind: "small",
        "data-do": "answers",
        onclick: () => kiosk.show("questions", { site, lesionId, answers }),
      }),
    ),
  );
  let live = startLive();

  function startLive() {
    const stop = new AbortController();
    signal.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
    showPreview(image, {
      take: api.preview,
      signal: stop.signal,
      seen: (yes) => {
        noView.hidden = yes;
        image.hidden = !yes;
      },
    });
    return stop;
  }

  take.addEventListener("click", async () => {
    if (take.disabled) return;
    place.clear();
    take.disabled = true;
    freeze(view, image);
    live.abort();
    const talk = talkWhileWaiting(waiting);
    head.inert = true;
    const outcome = await kiosk.attempt(
      () => api.capture({ site, lesionId, answers, signal }),
      (problem) => place.tell(problem, problem.code === "network" ? t("error.capture.unsure") : null),
    );
    talk.stop();
    if (signal.aborted) return;
    if (outcome) return void showOutcome(kiosk, { outcome, site, lesionId, answers });
    head.inert = false;
    take.disabled = false;
    take.focus();
    view.querySelector("canvas")?.remove();
    live = startLive();
  });

  return {
    content: [
      el(
        "div",
        { class: "capture" },
        view,
        el(
          "div",
          { class: "capture-side" },
          head,
          el(
            "ol",
            { class: "hints" },
            HINTS.map(([picture, hint]) => el("li", {}, icon(picture), el("span", {}, t(`capture.hint.${hint}`)))),
          ),
          place.node,
          take,
        ),
      ),
    ],
    bar: visitBar(kiosk),
  };
}

function showOutcome(kiosk, { outcome, site, lesionId, answers }) {
  if (outcome.outcome === "saved") {
    kiosk.remember(outcome, answers);
    kiosk.show("result", { outcome, answers });
  } else kiosk.show("refused", { outcome, site, lesionId, answers });
}

/** The ring into which the spot belongs. */
function aim() {
  return svg(
    "svg",
    { class: "aim-ring", viewBox: "0 0 100 100", "aria-hidden": "true" },
    svg("circle", { cx: 50, cy: 50, r: 34 }),
    svg("path", { d: "M50 8v10M50 82v10M8 50h10M82 50h10" }),
  );
}

/** Keep the last live picture in sight while its successor is taken. */
function freeze(view, image) {
  if (!image.naturalWidth) return;
  const still = el("canvas", { class: "live", width: image.naturalWidth, height: image.naturalHeight });
  still.getContext("2d").drawImage(image, 0, 0);
  view.prepend(still);
}

function talkWhileWaiting(node) {
  let step = 0;
  const say = () => {
    node.replaceChildren(el("span", { class: "spinner" }), el("span", {}, t(`capture.busy.${WAITING[step]}`)));
    if (step < WAITING.length - 1) step += 1;
  };
  say();
  node.hidden = false;
  const timer = setInterval(say, WAITING_STEP_MS);
  return {
    stop: () => {
      clearInterval(timer);
      node.hidden = true;
    },
  };
}
