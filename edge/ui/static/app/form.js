/** Form fields: a label, a hint, a place for the error beside the field; nothing is ever filled in by the browser. */

import { el, icon } from "./dom.js";
import { t } from "./texts.js";

const PLAIN = { autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false" };

/** One line of text. */
export function textField({ name, label, hint = null, error = null, value = "", ...attributes }) {
  const input = el("input", { id: name, name, type: "text", class: "input", ...PLAIN, ...attributes });
  // The property, not the attribute: a reset then empties it.
  input.value = value;
  return { input, ...framed({ name, label, hint, error, input, control: input }) };
}

/** A password, hidden unless the patient wants to see it. */
export function passwordField({ name, label, hint = null, error = null, value = "", ...attributes }) {
  const input = el("input", { id: name, name, type: "password", class: "input", ...PLAIN, ...attributes });
  input.value = value;
  const words = el("span", {}, t("field.password.show"));
  const toggle = el(
    "button",
    {
      type: "button",
      class: "button plain toggle",
      "aria-pressed": "false",
      onclick: () => {
        const show = input.type === "password";
        input.type = show ? "text" : "password";
        toggle.setAttribute("aria-pressed", String(show));
        words.textContent = t(show ? "field.password.hide" : "field.password.show");
      },
    },
    icon("eye"),
    words,
  );
  const control = el("div", { class: "with-toggle" }, input, toggle);
  return { input, ...framed({ name, label, hint, error, input, control }) };
}

/** Exactly one of several; `options` are pairs of value and words. */
export function choiceField({ name, label, options, chosen = null, error = null, onchange }) {
  const message = errorText(name, error);
  const node = el(
    "fieldset",
    { class: "field choices", "aria-describedby": `${name}-error` },
    el("legend", {}, label),
    el(
      "div",
      { class: "choice-row" },
      options.map(([value, words]) =>
        el(
          "label",
          { class: "choice" },
          el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
          el("span", {}, words),
        ),
      ),
    ),
    message,
  );
  return { node, setError: (text) => (message.textContent = text ?? "") };
}

/** Yes or not; `hint` says whether it is needed. */
export function consentField({ name, label, hint, checked, error = null, onchange }) {
  const message = errorText(name, error);
  const input = el("input", {
    type: "checkbox",
    id: name,
    name,
    checked,
    "aria-describedby": `${name}-hint ${name}-error`,
    onchange: () => onchange(input.checked),
  });
  const node = el(
    "div",
    { class: "field" },
    el(
      "label",
      { class: "consent" },
      input,
      el("span", {}, el("span", {}, label), el("span", { class: "hint", id: `${name}-hint` }, hint)),
    ),
    message,
  );
  return { node, setError: (text) => (message.textContent = text ?? "") };
}

/** Place for an error, read out when it appears. */
export function errorText(name, text) {
  return el("p", { class: "field-error", id: `${name}-error`, "aria-live": "polite" }, text ?? "");
}

function framed({ name, label, hint, error, input, control }) {
  const message = errorText(name, error);
  input.setAttribute("aria-describedby", `${name}-hint ${name}-error`);
  const setError = (text) => {
    message.textContent = text ?? "";
    input.setAttribute("aria-invalid", String(Boolean(text)));
  };
  setError(error);
  const node = el(
    "div",
    { class: "field" },
    el("label", { for: name, class: "label" }, label),
    control,
    message,
    hint && el("p", { class: "hint", id: `${name}-hint` }, hint),
  );
  return { node, setError };
}
