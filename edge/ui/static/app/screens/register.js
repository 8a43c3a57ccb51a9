/** A new account, a question or two at a time. What was typed lives in this screen alone, until it is sent or left. */

import * as api from "../api.js";
import { birthDateField, isoDate } from "../birth_date_field.js";
import { button, el, heading } from "../dom.js";
import { choiceField, consentField, passwordField, textField } from "../form.js";
import { problemPlace } from "../problem.js";
import {
  FULL_NAME_MAX,
  PASSWORD_MAX,
  PASSWORD_MIN,
  PASSWORD_RULE,
  USERNAME_MAX,
  USERNAME_MIN,
  USERNAME_RULE,
} from "../rules.js";
import { errorKey, language, t } from "../texts.js";

const SEXES = ["female", "male", "other", "unknown"];

/** Each step: its fields, how it looks, and what is wrong with it as {field: text}. */
const STEPS = [
  {
    id: "username",
    fields: ["username"],
    draw: (draft, errors) => [
      kept(draft, "username", textField, {
        label: t("field.username.label"),
        hint: t("field.username.hint", USERNAME_RULE),
        maxlength: USERNAME_MAX,
        error: errors.username,
      }),
    ],
    check: ({ username }) =>
      username.trim().length < USERNAME_MIN && { username: t("field.username.invalid", USERNAME_RULE) },
  },
  {
    id: "password",
    fields: ["password"],
    draw: (draft, errors) => [
      kept(draft, "password", passwordField, {
        label: t("field.password.label"),
        hint: t("field.password.hint", PASSWORD_RULE),
        maxlength: PASSWORD_MAX,
        error: errors.password,
      }),
    ],
    check: ({ username, password }) =>
      (password.length < PASSWORD_MIN || password.toLowerCase() === username.trim().toLowerCase()) && {
        password: t("field.password.invalid", PASSWORD_RULE),
      },
  },
  {
    id: "full_name",
    fields: ["full_name"],
    draw: (draft, errors) => [
      kept(draft, "full_name", textField, {
        label: t("field.full_name.label"),
        hint: t("field.full_name.hint"),
        maxlength: FULL_NAME_MAX,
        error: errors.full_name,
      }),
    ],
    check: ({ full_name: name }) => !name.trim() && { full_name: t("field.full_name.invalid") },
  },
  {
    id: "about",
    fields: ["birth_date", "sex"],
    draw: (draft, errors) => [
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
  },
  {
    id: "consent",
    fields: ["consent_care", "consent_face"],
    draw: (draft, errors, { offers_face: offersFace }) =>
      ["consent_care", ...(offersFace ? ["consent_face"] : [])].map((name) =>
        consentField({
          name,
          label: t(`field.${name}.label`),
          hint: t(`field.${name}.hint`),
          checked: draft[name],
          error: errors[name],
          onchange: (yes) => (draft[name] = yes),
        }),
      ),
    check: ({ consent_care: agreed }) => !agreed && { consent_care: t("field.consent_care.invalid") },
  },
];

/** The field that a problem's code is about; the others are told above the form. */
const FIELD_OF_CODE = [
  [/^username-/, "username"],
  [/^password-weak$/, "password"],
  [/^full-name-/, "full_name"],
  [/^face(-|$)/, "consent_face"],
];

function emptyDraft() {
  return {
    username: "",
    password: "",
    full_name: "",
    birth: { day: "", month: "", year: "" },
    sex: null,
    consent_care: false,
    consent_face: false,
  };
}

export function register({ kiosk, signal, draft = emptyDraft(), at = 0, errors = {}, problem = null }) {
  const step = STEPS[at];
  const last = at === STEPS.length - 1;
  const place = problemPlace();
  const fields = step.draw(draft, errors, kiosk.traits);
  const go = (to, more = {}) => kiosk.show("register", { draft, at: to, ...more });
  const leave = () => kiosk.home({ samePerson: true });
  const next = button({
    text: t(last ? "register.submit" : "nav.next"),
    after: last ? "check" : "right",
    kind: "primary",
    type: "submit",
    form: "step",
  });
  const form = el(
    "form",
    {
      id: "step",
      class: "form",
      novalidate: true,
      autocomplete: "off",
      onsubmit: async (event) => {
        event.preventDefault();
        if (next.disabled) return;
        const wrong = step.check(draft) || {};
        if (Object.keys(wrong).length) return void go(at, { errors: wrong });
        if (!last) return void go(at + 1);
        next.disabled = true;
        next.firstChild.textContent = t(draft.consent_face ? "register.busy.face" : "register.busy");
        const visit = await kiosk.attempt(
          () => api.register(registrationOf(draft), signal),
          (failure) => showFailure(failure, { go, at }),
        );
        if (visit) kiosk.begin(visit, { face: draft.consent_face });
      },
    },
    fields.map((field) => field.node),
  );
  (fields[0].input ?? fields[0].first)?.setAttribute("data-focus", "");
  kiosk.watchForm();
  if (problem) queueMicrotask(() => place.tell(problem));
  return {
    kind: `register-${step.id}`,
    content: [progress(at), heading(t(`register.${step.id}.title`)), place.node, form],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => (at ? go(at - 1) : leave()) }),
      next,
    ],
    bar: [button({ text: t("nav.cancel"), picture: "cross", "data-do": "cancel", onclick: leave })],
  };
}

function kept(draft, name, field, options) {
  return field({ name, value: draft[name], oninput: (event) => (draft[name] = event.target.value), ...options });
}

function progress(at) {
  const text = t("register.progress", { step: at + 1, count: STEPS.length });
  return el(
    "div",
    { class: "progress" },
    el("span", {}, text),
    el(
      "span",
      { class: "progress-steps", "aria-hidden": "true" },
      STEPS.map((_, index) => el("span", { class: index < at ? "done" : index === at ? "now" : "" })),
    ),
  );
}

function registrationOf({ birth, username, full_name: fullName, ...draft }) {
  return {
    ...draft,
    username: username.trim(),
    full_name: fullName.trim(),
    birth_date: isoDate(birth),
    language: language(),
  };
}

/** Back to the step that the server found wanting, with the reason beside its field. */
function showFailure(problem, { go, at }) {
  const named = FIELD_OF_CODE.find(([code]) => code.test(problem.code))?.[1];
  if (named) {
    const key = errorKey(problem.code);
    const text = `${t(key, ruleFor(named))} ${t(`${key}.do`, ruleFor(named))}`;
    return go(stepOf(named), { errors: { [named]: text } });
  }
  const fields = problem.fields.filter((field) => stepOf(field) >= 0);
  if (!fields.length) return go(at, { problem });
  const first = Math.min(...fields.map(stepOf));
  const errors = Object.fromEntries(fields.map((field) => [field, t(`field.${field}.invalid`, ruleFor(field))]));
  return go(first, { errors });
}

const stepOf = (field) => STEPS.findIndex((step) => step.fields.includes(field));
const ruleFor = (field) => (field === "password" ? PASSWORD_RULE : USERNAME_RULE);
