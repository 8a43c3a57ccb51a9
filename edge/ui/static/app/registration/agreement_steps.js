/** The steps in which a new patient agrees to something or does not, one use at a time. */

import { cardField } from "../card_field.js";
import { t } from "../texts.js";
import { canBeReached } from "./draft.js";

const PICTURE = { care: "stethoscope", messages: "envelope", research: "flask" };

function agreement(use, more = {}) {
  return {
    id: `consent_${use}`,
    fields: ["consents"],
    lead: `consent.${use}.lead`,
    draw: ({ draft, errors }) => [
      cardField({
        name: use,
        label: t(`register.consent_${use}.title`),
        options: [
          { value: "yes", picture: PICTURE[use], title: t("consent.yes"), text: t(`consent.${use}.yes`) },
          { value: "no", picture: "cross", title: t("consent.no"), text: t(`consent.${use}.no`) },
        ],
        chosen: chosen(draft.consents[use]),
        error: errors[use],
        onchange: (value) => (draft.consents[use] = value === "yes"),
      }),
    ],
    check: ({ consents }) => consents[use] === null && { [use]: t("field.card.invalid") },
    ...more,
  };
}

export const care = agreement("care", {
  check: ({ consents }) => !consents.care && { care: t("field.consents.invalid") },
});
export const messages = agreement("messages", { when: canBeReached });
export const research = agreement("research");

/** Face or not: two ways that are equally good. */
export const face = {
  id: "face",
  fields: ["enrolment_id"],
  lead: "register.face.lead",
  when: (_draft, { offers_face: offersFace }) => offersFace,
  draw: ({ draft, errors }) => [
    cardField({
      name: "face",
      label: t("register.face.title"),
      options: [
        { value: "yes", picture: "face", title: t("consent.face.yes"), text: t("consent.face.yes.text") },
        { value: "no", picture: "key", title: t("consent.face.no"), text: t("consent.face.no.text") },
      ],
      chosen: chosen(draft.consents.face),
      error: errors.face ?? errors.enrolment_id,
      onchange: (value) => {
        draft.consents.face = value === "yes";
        if (value === "no") draft.enrolment = null;
      },
    }),
  ],
  check: ({ consents }) => consents.face === null && { face: t("field.card.invalid") },
};

const chosen = (agreed) => (agreed === null ? null : agreed ? "yes" : "no");
