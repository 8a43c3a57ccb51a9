/** A new face: the check, then the picture that it would be known by, to agree to or to take again. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { faceCheck } from "../face_check.js";
import { t } from "../texts.js";
import { cancelButton, countOf, progress } from "./register.js";

/** In a registration, where one may go on without a face as well. */
export function registerFace({ kiosk, signal, draft }) {
  const count = countOf(draft, kiosk.traits);
  kiosk.watchForm();
  return enrolment({
    kiosk,
    signal,
    kind: "register-face_check",
    head: [progress({ step: count - 1, count })],
    bar: [cancelButton(kiosk)],
    back: () => kiosk.show("register", { draft, at: "face" }),
    without: () => {
      Object.assign(draft, { enrolment: null });
      draft.consents.face = false;
      kiosk.show("registerReview", { draft });
    },
    accepted: (id) => {
      draft.enrolment = id;
      kiosk.show("registerReview", { draft });
    },
  });
}

/** `accepted` hears the id of the enrolment that the patient agreed to. */
export function enrolment({ kiosk, signal, kind, head, bar, back, without = null, accepted }) {
  const check = faceCheck({
    kiosk,
    signal,
    process: api.faceEnrolment,
    title: t("enrol.title"),
    hint: t("enrol.hint"),
    start: t("signin.face.start"),
    done: ({ id }) => {
      kiosk.enrolment = id;
      kiosk.show("facePicture", {
        bar,
        picture: api.enrolmentPicture(id),
        again: () => kiosk.show("enrolment", { kind, head, bar, back, without, accepted }),
        accept: () => accepted(id),
      });
    },
  });
  return {
    kind,
    content: [...head, check.node],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: back }),
      without && button({ text: t("consent.face.no"), picture: "key", "data-do": "without", onclick: without }),
      check.start,
    ].filter(Boolean),
    bar,
  };
}

/** Whether this is how the patient wants to be known. */
export function facePicture({ kiosk, bar, picture, again, accept }) {
  kiosk.watchForm();
  return {
    kind: "face-picture",
    content: [
      heading(t("enrol.picture.title")),
      el(
        "div",
        { class: "face-picture" },
        el("img", { src: picture, alt: t("enrol.picture.alt") }),
        el(
          "ul",
          { class: "ticks" },
          ["eyes", "alone", "light"].map((what) => el("li", {}, icon("check"), el("span", {}, t(`enrol.picture.${what}`)))),
          el("li", { class: "hint" }, icon("shield"), el("span", {}, t("enrol.picture.kept"))),
        ),
      ),
    ],
    actions: [
      button({ text: t("enrol.picture.again"), picture: "again", "data-do": "again", onclick: again }),
      button({ text: t("enrol.picture.use"), after: "check", kind: "primary", "data-do": "use", onclick: accept }),
    ],
    bar,
  };
}
