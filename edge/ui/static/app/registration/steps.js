/**
 * The steps of a registration in their order. Each has `fields` (those of the server that it asks for), `draw`, `check`
 * (what is wrong with it, as {field: text}), and if it needs them `when` (whether it is asked at all), `lead` and `skip`.
 */

import { chipField } from "../chip_field.js";
import { t } from "../texts.js";
import { care, face, messages, research } from "./agreement_steps.js";
import { answered } from "./draft.js";
import { TOPICS, words } from "./health_topics.js";
import { about, attendant, contact, guardian, name, password, username } from "./person_steps.js";

const health = TOPICS.map(({ id, options }) => ({
  id,
  fields: ["history"],
  draw: ({ draft, errors }) => [
    chipField({
      name: id,
      label: t(`register.${id}.title`),
      options: options.map((option) => ({ ...option, words: words(id, option.id) })),
      told: draft.history[id],
      error: errors[id] ?? errors.history,
    }),
  ],
  check: ({ history }) => {
    // Going on with an answer takes back that it was skipped.
    history[id].skipped = false;
    return !answered(history[id]) && { [id]: t("field.history.invalid") };
  },
  skip: ({ history }) => Object.assign(history[id], { none: false, picked: [], own: [], typing: "", skipped: true }),
}));

export const STEPS = [
  name,
  about,
  guardian,
  care,
  username,
  password,
  contact,
  messages,
  ...health,
  research,
  attendant,
  face,
];

/** The steps that this patient is asked at this kiosk. */
export const stepsFor = (draft, traits) => STEPS.filter((step) => !step.when || step.when(draft, traits));

/** Whether a step still waits for an answer. */
export const isOpen = (step, draft) => {
  const told = step.fields[0] === "history" && draft.history[step.id].skipped;
  return !told && Object.keys(step.check(draft) || {}).length > 0;
};
