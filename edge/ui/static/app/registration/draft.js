/** What a new patient has told so far. It lives in the page's memory alone, until it is sent or left. */

import { isoDate } from "../birth_date_field.js";
import { takeTyped } from "../chip_field.js";
import { ADULT_YEARS } from "../rules.js";
import { language, t } from "../texts.js";
import { TOPICS, words } from "./health_topics.js";

export function emptyDraft() {
  return {
    full_name: "",
    birth: { day: "", month: "", year: "" },
    sex: null,
    guardian: { full_name: "", relation: null },
    /** Whether the server asked for a guardian: the age for it is the clinic's to set. */
    guardianAsked: false,
    consents: { care: null, face: null, messages: null, research: null },
    username: "",
    /** Whether the user name is the patient's own and not one that was proposed. */
    usernameTyped: false,
    password: "",
    /** Whether the server has found the password too weak. */
    passwordRefused: () => false,
    contact: { email: "", phone: "" },
    history: Object.fromEntries(TOPICS.map(({ id }) => [id, nothingTold()])),
    attendant: { helped: null, full_name: "" },
    enrolment: null,
    /** Whether all was looked over once: from then on a change leads back there. */
    reviewed: false,
  };
}

const nothingTold = () => ({ none: false, picked: [], own: [], typing: "", skipped: false });

export const answered = ({ none, picked, own, typing, skipped }) =>
  none || skipped || picked.length > 0 || own.length > 0 || typing.trim() !== "";

/** Whether a parent or guardian must be there; never before the birth date is known. */
export const needsGuardian = (draft) => draft.guardianAsked || isMinor(draft);

function isMinor({ birth }, today = new Date()) {
  const born = isoDate(birth);
  if (!born) return false;
  const [year, month, day] = born.split("-").map(Number);
  return new Date(year + ADULT_YEARS, month - 1, day) > today;
}

export const canBeReached = ({ contact }) => Boolean(contact.email.trim() || contact.phone.trim());

/** A phone number as the server keeps it: digits, with a plus before a country's code. */
export const plainPhone = (text) => text.replace(/[\s().\-/]/g, "");

/** A name to begin with, made of the patient's own. */
export function proposedUsername(fullName) {
  return fullName
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "")
    .slice(0, 24);
}

/** As the server wants it. */
export function registrationOf(draft) {
  const { guardian, contact, consents, attendant } = draft;
  return {
    username: draft.username.trim(),
    password: draft.password,
    full_name: draft.full_name.trim(),
    birth_date: isoDate(draft.birth),
    sex: draft.sex,
    language: language(),
    contact: { email: contact.email.trim() || null, phone: plainPhone(contact.phone) || null },
    history: historyOf(draft),
    consents: {
      care: consents.care === true,
      face: consents.face === true && draft.enrolment !== null,
      messages: consents.messages === true && canBeReached(draft),
      research: consents.research === true,
    },
    guardian: needsGuardian(draft) ? { full_name: guardian.full_name.trim(), relation: guardian.relation } : null,
    attendant: (attendant.helped === true && attendant.full_name.trim()) || null,
    enrolment_id: consents.face === true ? draft.enrolment : null,
  };
}

/** Null when no question was answered; an empty list was answered with "none". */
function historyOf({ history }) {
  for (const told of Object.values(history)) takeTyped(told);
  if (TOPICS.every(({ id }) => history[id].skipped || !answered(history[id]))) return null;
  return Object.fromEntries(TOPICS.map((topic) => [topic.id, toldOf(topic, history[topic.id])]));
}

/** An unanswered question beside answered ones must not read as "none". */
function toldOf({ id, options }, told) {
  if (told.none) return [];
  if (told.skipped || !answered(told)) return [t("history.not_said")];
  const picked = options.filter((option) => told.picked.includes(option.id));
  return [...picked.map((option) => words(id, option.id)), ...told.own];
}
