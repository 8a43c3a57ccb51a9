/** The steps about who somebody is, and how they sign in next time. */

import { birthDateField, isoDate } from "../birth_date_field.js";
import { cardField } from "../card_field.js";
import { choiceField, textField } from "../form.js";
import { newPasswordField } from "../new_password_field.js";
import { FULL_NAME_MAX, PASSWORD_MIN, PASSWORD_RULE, USERNAME_MAX, USERNAME_MIN, USERNAME_RULE } from "../rules.js";
import { t } from "../texts.js";
import { needsGuardian, plainPhone, proposedUsername } from "./draft.js";

const SEXES = ["female", "male", "other", "unknown"];
const RELATIONS = ["parent", "grandparent", "legal-guardian", "other"];
const EMAIL_MAX = 254;
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
const PHONE_MAX = 30;
const PHONE = /^\+?[0-9]{6,15}$/;

/** A text of the draft, kept as it is typed. */
export function kept(holder, key, options) {
  return textField({ value: holder[key], oninput: (event) => (holder[key] = event.target.value), ...options });
}

export const name = {
  id: "full_name",
  fields: ["full_name"],
  draw: ({ draft, errors }) => [
    kept(draft, "full_name", {
      name: "full_name",
      label: t("field.full_name.label"),
      hint: t("field.full_name.hint"),
      maxlength: FULL_NAME_MAX,
      error: errors.full_name,
    }),
  ],
  check: ({ full_name: told }) => !told.trim() && { full_name: t("field.full_name.invalid") },
};

export const about = {
  id: "about",
  fields: ["birth_date", "sex"],
  draw: ({ draft, errors }) => [
    birthDateField({ name: "birth_date", parts: draft.birth, error: errors.birth_date }),
    choiceField({
      name: "sex",
      label: t("field.sex.label"),
      options: SEXES.map((sex) => [sex, t(`sex.${sex}`)]),
      chosen: draft.sex,
      error: errors.sex,
      onchange: (sex) => (draft.sex = sex),
    }),
  ],
  check: ({ birth, sex }) => ({
    ...(!isoDate(birth) && { birth_date: t("field.birth_date.invalid") }),
    ...(!sex && { sex: t("field.sex.invalid") }),
  }),
};

export const guardian = {
  id: "guardian",
  fields: ["guardian"],
  when: (draft) => needsGuardian(draft),
  lead: "register.guardian.lead",
  draw: ({ draft, errors }) => [
    kept(draft.guardian, "full_name", {
      name: "guardian-full_name",
      label: t("field.guardian.label"),
      maxlength: FULL_NAME_MAX,
      error: errors.guardian,
    }),
    choiceField({
      name: "relation",
      label: t("field.relation.label"),
      options: RELATIONS.map((relation) => [relation, t(`relation.${relation}`)]),
      chosen: draft.guardian.relation,
      error: errors.relation,
      onchange: (relation) => (draft.guardian.relation = relation),
    }),
  ],
  check: ({ guardian: told }) => ({
    ...(!told.full_name.trim() && { guardian: t("field.guardian.invalid") }),
    ...(!told.relation && { relation: t("field.relation.invalid") }),
  }),
};

export const username = {
  id: "username",
  fields: ["username"],
  draw: ({ draft, errors }) => {
    if (!draft.usernameTyped) draft.username = proposedUsername(draft.full_name);
    return [
      kept(draft, "username", {
        name: "username",
        label: t("field.username.label"),
        hint: t("field.username.hint", USERNAME_RULE),
        maxlength: USERNAME_MAX,
        error: errors.username,
        onchange: () => (draft.usernameTyped = true),
      }),
    ];
  },
  check: ({ username: told }) =>
    told.trim().length < USERNAME_MIN && { username: t("field.username.invalid", USERNAME_RULE) },
};

export const password = {
  id: "password",
  fields: ["password"],
  draw: ({ draft, errors, signal }) => {
    const field = newPasswordField({
      name: "password",
      value: draft.password,
      error: errors.password,
      person: () => ({
        username: draft.username.trim(),
        full_name: draft.full_name.trim(),
        birth_date: isoDate(draft.birth),
      }),
      oninput: (text) => (draft.password = text),
      signal,
    });
    draft.passwordRefused = field.refused;
    return [field];
  },
  check: ({ username: own, password: told, passwordRefused: refused }) => {
    if (told.length < PASSWORD_MIN || told.toLowerCase() === own.trim().toLowerCase()) {
      return { password: t("field.password.invalid", PASSWORD_RULE) };
    }
    return refused() && { password: t("field.password.weak") };
  },
};

export const contact = {
  id: "contact",
  fields: ["contact"],
  lead: "register.contact.lead",
  draw: ({ draft, errors }) => [
    kept(draft.contact, "email", {
      name: "email",
      label: t("field.email.label"),
      inputmode: "email",
      maxlength: EMAIL_MAX,
      error: errors.email ?? errors.contact,
    }),
    kept(draft.contact, "phone", {
      name: "phone",
      label: t("field.phone.label"),
      inputmode: "tel",
      maxlength: PHONE_MAX,
      error: errors.phone,
    }),
  ],
  check: ({ contact: { email, phone } }) => ({
    ...(email.trim() && !EMAIL.test(email.trim()) && { email: t("field.email.invalid") }),
    ...(phone.trim() && !PHONE.test(plainPhone(phone)) && { phone: t("field.phone.invalid") }),
  }),
  skip: (draft) => (draft.contact = { email: "", phone: "" }),
};

export const attendant = {
  id: "attendant",
  fields: ["attendant"],
  draw: ({ draft, errors, again }) => [
    cardField({
      name: "helped",
      label: t("register.attendant.title"),
      options: [
        { value: "no", picture: "person", title: t("attendant.no") },
        { value: "yes", picture: "staff", title: t("attendant.yes") },
      ],
      chosen: draft.attendant.helped === null ? null : draft.attendant.helped ? "yes" : "no",
      error: errors.helped,
      onchange: (value) => {
        draft.attendant.helped = value === "yes";
        again({ focus: draft.attendant.helped ? "attendant" : null });
      },
    }),
    ...(draft.attendant.helped
      ? [
          kept(draft.attendant, "full_name", {
            name: "attendant",
            label: t("field.attendant.label"),
            hint: t("field.attendant.hint"),
            maxlength: FULL_NAME_MAX,
            error: errors.attendant,
          }),
        ]
      : []),
  ],
  check: ({ attendant: told }) => ({
    ...(told.helped === null && { helped: t("field.card.invalid") }),
    ...(told.helped && !told.full_name.trim() && { attendant: t("field.attendant.invalid") }),
  }),
};
