/** All that a new patient told, to look over before it is sent; and what the server says to it. */

import * as api from "../api.js";
import { isoDate } from "../birth_date_field.js";
import { button, el, heading, icon } from "../dom.js";
import { problemPlace } from "../problem.js";
import { needsGuardian, registrationOf } from "../registration/draft.js";
import { stepsFor } from "../registration/steps.js";
import { PASSWORD_RULE, USERNAME_RULE } from "../rules.js";
import { errorKey, longDate, t } from "../texts.js";
import { cancelButton, countOf, progress } from "./register.js";

/** The step that a problem's code is about; the others are told here. */
const STEP_OF_CODE = [
  [/^username-/, "username"],
  [/^password-weak$/, "password"],
  [/^full-name-/, "full_name"],
  [/^guardian-/, "guardian"],
  [/^(face|enrolment)(-|$)/, "face"],
];

export function registerReview({ kiosk, signal, draft, problem = null }) {
  draft.reviewed = true;
  const steps = stepsFor(draft, kiosk.traits);
  const count = countOf(draft, kiosk.traits);
  const place = problemPlace();
  const send = button({
    text: t("register.submit"),
    after: "check",
    kind: "primary",
    "data-do": "create",
    onclick: async () => {
      if (send.disabled) return;
      send.disabled = true;
      send.querySelector("span").textContent = t("register.busy");
      place.clear();
      const visit = await kiosk.attempt(
        () => api.register(registrationOf(draft), signal),
        (failure) => showFailure({ kiosk, draft, failure }),
      );
      if (visit) kiosk.begin(visit, "registered", { face: draft.enrolment !== null });
    },
  });
  kiosk.watchForm();
  if (problem) queueMicrotask(() => place.tell(problem));
  return {
    kind: "register-review",
    content: [
      progress({ step: count, count }),
      heading(t("register.review.title")),
      place.node,
      el("dl", { class: "review" }, rows(draft, steps).map((row) => reviewRow({ kiosk, draft, ...row }))),
    ],
    actions: [
      button({
        text: t("nav.back"),
        picture: "left",
        "data-do": "back",
        onclick: () => {
          draft.reviewed = false;
          kiosk.show("register", { draft, at: steps.at(-1).id });
        },
      }),
      send,
    ],
    bar: [cancelButton(kiosk)],
  };
}

/** Rows of {at: the step that changes it, picture, label, text}. */
function rows(draft, steps) {
  const sent = registrationOf(draft);
  const { contact, consents, guardian, attendant } = sent;
  const agreed = ["care", "messages", "research"].filter((use) => consents[use]);
  const asked = steps.map(({ id }) => id);
  return [
    { at: "full_name", picture: "person", label: t("field.full_name.label"), text: sent.full_name },
    {
      at: "about",
      picture: "calendar",
      label: t("review.about"),
      text: `${longDate(`${isoDate(draft.birth)}T12:00`)} · ${t(`sex.${draft.sex}`)}`,
    },
    needsGuardian(draft) && { at: "guardian", picture: "family", label: t("field.guardian.label"), text: guardian.full_name },
    { at: "username", picture: "key", label: t("field.username.label"), text: sent.username },
    {
      at: "contact",
      picture: "envelope",
      label: t("review.contact"),
      text: [contact.email, contact.phone].filter(Boolean).join(" · ") || t("review.nothing"),
    },
    { at: "allergies", picture: "heart", label: t("review.history"), text: historyText(sent.history) },
    {
      at: "consent_care",
      picture: "hand",
      label: t("review.consents"),
      text: agreed.map((use) => t(`consent.${use}.short`)).join(" · "),
    },
    { at: "attendant", picture: "staff", label: t("review.attendant"), text: attendant ?? t("attendant.no") },
    asked.includes("face") && {
      at: "face",
      picture: "face",
      label: t("review.face"),
      text: t(draft.enrolment ? "consent.face.yes" : "consent.face.no"),
    },
  ].filter(Boolean);
}

function historyText(history) {
  if (!history) return t("history.not_said");
  const told = Object.values(history).flat();
  return [...new Set(told)].join(" · ") || t("history.none");
}

function reviewRow({ kiosk, draft, at, picture, label, text }) {
  return el(
    "div",
    { class: "review-row" },
    icon(picture),
    el("dt", {}, label),
    el("dd", {}, text),
    el(
      "dd",
      { class: "review-change" },
      el(
        "button",
        {
          type: "button",
          class: "button small",
          "data-change": at,
          "aria-label": t("review.change", { what: label }),
          onclick: () => kiosk.show("register", { draft, at }),
        },
        icon("pencil"),
      ),
    ),
  );
}

/** Back to the step that the server found wanting, with the reason beside its field. */
function showFailure({ kiosk, draft, failure }) {
  const named = STEP_OF_CODE.find(([code]) => code.test(failure.code))?.[1];
  if (named === "guardian") draft.guardianAsked = true;
  const steps = stepsFor(draft, kiosk.traits);
  if (named === "face") draft.enrolment = null;
  if (steps.some(({ id }) => id === named)) {
    const key = errorKey(failure.code);
    const text = `${t(key, ruleFor(named))} ${t(`${key}.do`, ruleFor(named))}`;
    return kiosk.show("register", { draft, at: named, errors: { [named]: text } });
  }
  const refused = [...new Set(failure.fields.map((field) => field.split(".")[0]))];
  const first = steps.find(({ fields }) => fields.some((field) => refused.includes(field)));
  if (!first) return kiosk.show("registerReview", { draft, problem: failure });
  const errors = Object.fromEntries(refused.map((field) => [field, t(`field.${field}.invalid`, ruleFor(field))]));
  return kiosk.show("register", { draft, at: first.id, errors });
}

const ruleFor = (field) => (field === "password" ? PASSWORD_RULE : USERNAME_RULE);
