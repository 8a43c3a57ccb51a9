/** A new account, a question or two at a time. */

import { button, el, heading } from "../dom.js";
import { problemPlace } from "../problem.js";
import { emptyDraft } from "../registration/draft.js";
import { isOpen, stepsFor } from "../registration/steps.js";
import { t } from "../texts.js";

/** `at` is the id of a step, by default the first; `errors` are {field: text}. */
export function register({ kiosk, signal, draft = emptyDraft(), at = null, errors = {}, problem = null, focus = null }) {
  const steps = stepsFor(draft, kiosk.traits);
  const index = Math.max(0, steps.findIndex(({ id }) => id === at));
  const step = steps[index];
  const place = problemPlace();
  const again = (more = {}) => kiosk.show("register", { draft, at: step.id, ...more });
  const fields = step.draw({ draft, errors, signal, again });
  const goBack = () => {
    if (draft.reviewed) kiosk.show("registerReview", { draft });
    else if (index) kiosk.show("register", { draft, at: steps[index - 1].id });
    else leave(kiosk);
  };
  const form = el(
    "form",
    {
      id: "step",
      class: "form",
      novalidate: true,
      autocomplete: "off",
      onsubmit: (event) => {
        event.preventDefault();
        const wrong = step.check(draft) || {};
        if (Object.keys(wrong).length) again({ errors: wrong });
        else goOn(kiosk, draft, step);
      },
    },
    fields.map((field) => field.node),
  );
  const first = fields.find(({ input }) => input?.id === focus) ?? fields[0];
  (first.input ?? first.first)?.setAttribute("data-focus", "");
  kiosk.watchForm();
  if (problem) queueMicrotask(() => place.tell(problem));
  queueMicrotask(() => form.querySelector(".field-error:not(:empty)")?.scrollIntoView({ block: "nearest" }));
  return {
    kind: `register-${step.id}`,
    content: [
      progress({ step: index + 1, count: countOf(draft, kiosk.traits) }),
      heading(t(`register.${step.id}.title`)),
      ...(step.lead ? [el("p", { class: "step-lead" }, t(step.lead))] : []),
      place.node,
      form,
    ],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: goBack }),
      step.skip &&
        button({
          text: t("nav.skip"),
          "data-do": "skip",
          onclick: () => {
            step.skip(draft);
            goOn(kiosk, draft, step);
          },
        }),
      button({ text: t("nav.next"), after: "right", kind: "primary", type: "submit", form: "step" }),
    ].filter(Boolean),
    bar: [cancelButton(kiosk)],
  };
}

/** The screen after a step that is answered: the next one; once all was looked over, only what is still open. */
export function goOn(kiosk, draft, step) {
  const steps = stepsFor(draft, kiosk.traits);
  const next = draft.reviewed
    ? steps.find((other) => isOpen(other, draft))
    : steps[steps.findIndex(({ id }) => id === step.id) + 1];
  if (next) kiosk.show("register", { draft, at: next.id });
  else if (draft.consents.face && !draft.enrolment) kiosk.show("registerFace", { draft });
  else kiosk.show("registerReview", { draft });
}

/** The steps, a face check if one is wanted, and the look over all of it. */
export function countOf(draft, traits) {
  return stepsFor(draft, traits).length + (draft.consents.face ? 2 : 1);
}

export function progress({ step, count }) {
  const bar = el("progress", { class: "progress-bar", max: count, value: step, "aria-hidden": "true" });
  return el("div", { class: "progress" }, el("span", {}, t("register.progress", { step, count })), bar);
}

export const cancelButton = (kiosk) =>
  button({ text: t("nav.cancel"), picture: "cross", "data-do": "cancel", onclick: () => leave(kiosk) });

const leave = (kiosk) => kiosk.home({ samePerson: true });
