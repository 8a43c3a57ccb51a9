/** A forgotten password: a code that comes by e-mail or SMS, or from the staff, and a new password. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { textField } from "../form.js";
import { newPasswordField } from "../new_password_field.js";
import { problemPlace } from "../problem.js";
import { PASSWORD_MIN, PASSWORD_RULE } from "../rules.js";
import { setBusy, stepForm } from "../step_form.js";
import { errorKey, t } from "../texts.js";
import { cancel } from "./sign_in.js";

const CODE_MAX = 32;
const CHANNELS = [
  ["email", "envelope"],
  ["sms", "phone"],
];

/** How the code is to come. */
export function reset({ kiosk, signal, claim }) {
  const place = problemPlace();
  const order = async (channel) => {
    place.clear();
    const sent = await kiosk.attempt(
      async () => {
        await api.orderResetCode({ claim, channel }, signal);
        return true;
      },
      (problem) => place.tell(problem),
    );
    if (sent && !signal.aborted) kiosk.show("resetCode", { claim, channel });
  };
  kiosk.watchForm();
  return {
    kind: "reset",
    content: [
      heading(t("reset.title")),
      el("p", { class: "step-lead" }, t("reset.lead")),
      place.node,
      el(
        "div",
        { class: "ways ways-3" },
        CHANNELS.map(([channel, picture]) => way({ id: channel, picture, onclick: () => order(channel) })),
        way({ id: "staff", picture: "staff", onclick: () => kiosk.show("resetCode", { claim, channel: "staff" }) }),
      ),
    ],
    actions: [
      button({
        text: t("nav.back"),
        picture: "left",
        "data-do": "back",
        onclick: () => kiosk.show("signInProof", { claim }),
      }),
    ],
    bar: [cancel(kiosk)],
  };
}

/** The code that came. */
export function resetCode({ kiosk, claim, channel, code = "", error = null }) {
  const field = textField({
    name: "code",
    label: t("field.code.label"),
    hint: t(`reset.sent.${channel}`),
    value: code,
    error,
    maxlength: CODE_MAX,
    "data-focus": true,
  });
  field.input.classList.add("code-input");
  const form = stepForm(() => {
    const told = field.input.value.replace(/\s/g, "");
    if (told) kiosk.show("resetPassword", { claim, channel, code: told });
    else field.setError(t("field.code.invalid"));
  }, field.node);
  kiosk.watchForm();
  return {
    kind: "reset-code",
    content: [heading(t("reset.code.title")), form],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => kiosk.show("reset", { claim }) }),
      button({ text: t("nav.next"), after: "right", kind: "primary", type: "submit", form: "step" }),
    ],
    bar: [cancel(kiosk)],
  };
}

/** The new password; whoever proved the code is signed in with it. */
export function resetPassword({ kiosk, signal, claim, channel, code, error = null, problem = null }) {
  const place = problemPlace();
  let typed = "";
  const field = newPasswordField({
    name: "new_password",
    error,
    person: () => ({ username: claim, full_name: "", birth_date: null }),
    oninput: (text) => (typed = text),
    signal,
    "data-focus": true,
  });
  const submit = button({ text: t("reset.submit"), after: "check", kind: "primary", type: "submit", form: "step" });
  const form = stepForm(async () => {
    if (submit.disabled) return;
    if (typed.length < PASSWORD_MIN) return void field.setError(t("field.password.invalid", PASSWORD_RULE));
    if (field.refused()) return void field.setError(t("field.password.weak"));
    setBusy(submit, t("signin.busy"));
    place.clear();
    const visit = await kiosk.attempt(
      () => api.resetPassword({ claim, code, new_password: typed }, signal),
      (failure) => showFailure({ kiosk, claim, channel, code, failure }),
    );
    if (visit) kiosk.begin(visit, "arrival");
  }, field.node);
  kiosk.watchForm();
  if (problem) queueMicrotask(() => place.tell(problem));
  return {
    kind: "reset-password",
    content: [heading(t("register.password.title")), place.node, form],
    actions: [
      button({
        text: t("nav.back"),
        picture: "left",
        "data-do": "back",
        onclick: () => kiosk.show("resetCode", { claim, channel, code }),
      }),
      submit,
    ],
    bar: [cancel(kiosk)],
  };
}

function showFailure({ kiosk, claim, channel, code, failure }) {
  const key = errorKey(failure.code);
  const text = () => `${t(key, PASSWORD_RULE)} ${t(`${key}.do`, PASSWORD_RULE)}`;
  if (failure.code === "reset-code-wrong") kiosk.show("resetCode", { claim, channel, error: text() });
  else if (failure.code === "password-weak") kiosk.show("resetPassword", { claim, channel, code, error: text() });
  else if (failure.code === "sign-in-locked" || failure.code === "sign-in-throttled") {
    kiosk.show("locked", { claim, code: failure.code, remainingS: failure.remainingS });
  } else kiosk.show("resetPassword", { claim, channel, code, problem: failure });
}

function way({ id, picture, onclick }) {
  return el(
    "button",
    { type: "button", class: "way other-way-button", "data-way": id, onclick },
    icon(picture, "huge"),
    el("span", { class: "way-name" }, t(`reset.${id}`)),
    el("span", { class: "way-hint" }, t(`reset.${id}.hint`)),
  );
}
