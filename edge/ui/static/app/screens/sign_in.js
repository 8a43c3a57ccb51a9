/** Sign-in: first who one is, then the proof, by password or by face. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { passwordField, textField } from "../form.js";
import { problemPlace } from "../problem.js";
import { USERNAME_RULE } from "../rules.js";
import { t } from "../texts.js";

const MAX_LENGTH = 200;

export function signIn({ kiosk, signal, username = "", named = false, problem = null }) {
  kiosk.watchForm();
  return named ? proof({ kiosk, signal, username, problem }) : claim({ kiosk, username });
}

function claim({ kiosk, username }) {
  const field = textField({
    name: "username",
    label: t("field.username.label"),
    value: username,
    maxlength: MAX_LENGTH,
    "data-focus": true,
  });
  const form = stepForm(() => {
    const name = field.input.value.trim();
    if (name) kiosk.show("signIn", { username: name, named: true });
    else field.setError(t("field.username.invalid", USERNAME_RULE));
  }, field.node);
  return {
    kind: "sign-in-username",
    content: [heading(t("signin.username.title")), form],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => leave(kiosk) }),
      button({ text: t("nav.next"), after: "right", kind: "primary", type: "submit", form: "step" }),
    ],
    bar: [cancel(kiosk)],
  };
}

function proof({ kiosk, signal, username, problem }) {
  const place = problemPlace();
  const { offers_face: offersFace } = kiosk.traits;
  const field = passwordField({
    name: "password",
    label: t("field.password.label"),
    maxlength: MAX_LENGTH,
    "data-focus": true,
  });
  const submit = button({ text: t("signin.submit"), after: "check", kind: "primary", type: "submit", form: "step" });
  const form = stepForm(async () => {
    if (submit.disabled) return;
    setBusy(submit, t("signin.busy"));
    place.clear();
    const visit = await kiosk.attempt(
      () => api.signInWithPassword({ username, password: field.input.value }, signal),
      (failure) => kiosk.show("signIn", { username, named: true, problem: failure }),
    );
    if (visit) kiosk.begin(visit);
  }, field.node);
  if (problem) queueMicrotask(() => place.tell(problem));
  return {
    kind: "sign-in-proof",
    content: [
      heading(t(offersFace ? "signin.prove.face.title" : "signin.prove.title")),
      place.node,
      el("p", { class: "claimed" }, icon("person"), el("span", {}, username)),
      form,
      offersFace && faceWay(() => kiosk.show("faceSignIn", { username })),
    ].filter(Boolean),
    actions: [
      button({
        text: t("nav.back"),
        picture: "left",
        "data-do": "back",
        onclick: () => kiosk.show("signIn", { username }),
      }),
      submit,
    ],
    bar: [cancel(kiosk)],
  };
}

/** The face camera has no live view: what to do is said and drawn. */
export function faceSignIn({ kiosk, signal, username }) {
  const place = problemPlace();
  kiosk.watchForm();
  const start = button({
    text: t("signin.face.start"),
    picture: "face",
    kind: "primary large",
    "data-do": "face-start",
    onclick: async () => {
      const words = start.querySelector("span");
      start.disabled = true;
      words.textContent = t("signin.face.busy");
      place.clear();
      const visit = await kiosk.attempt(
        () => api.signInWithFace({ username }, signal),
        (failure) => {
          start.disabled = false;
          words.textContent = t("nav.again");
          place.tell(failure);
        },
      );
      if (visit) kiosk.begin(visit);
    },
  });
  return {
    kind: "sign-in-face",
    content: [
      place.node,
      el(
        "div",
        { class: "middle" },
        el("div", { class: "medal" }, icon("face", "huge")),
        heading(t("signin.face.title")),
        el("p", { class: "lead" }, t("signin.face.hint")),
      ),
    ],
    actions: [
      button({
        text: t("signin.use_password"),
        picture: "key",
        "data-do": "use-password",
        onclick: () => kiosk.show("signIn", { username, named: true }),
      }),
      start,
    ],
    bar: [cancel(kiosk)],
  };
}

function faceWay(onclick) {
  return el(
    "div",
    { class: "other-way" },
    el("span", { class: "or" }, t("signin.or")),
    button({ text: t("signin.face"), picture: "face", kind: "secondary large", "data-do": "face", onclick }),
  );
}

function stepForm(submitted, ...fields) {
  return el(
    "form",
    {
      id: "step",
      class: "form",
      novalidate: true,
      autocomplete: "off",
      onsubmit: (event) => {
        event.preventDefault();
        submitted();
      },
    },
    fields,
  );
}

function setBusy(control, text) {
  control.disabled = true;
  control.querySelector("span").textContent = text;
}

const leave = (kiosk) => kiosk.home({ samePerson: true });
const cancel = (kiosk) =>
  button({ text: t("nav.cancel"), picture: "cross", "data-do": "cancel", onclick: () => leave(kiosk) });
