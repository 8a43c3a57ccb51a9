/** A new password: how strong it is as one types, and each rule with whether it is met. */

import * as api from "./api.js";
import { el, icon } from "./dom.js";
import { passwordField } from "./form.js";
import { PASSWORD_MAX, PASSWORD_RULE } from "./rules.js";
import { slugText, t } from "./texts.js";

const PAUSE_MS = 200;
const BEST_SCORE = 4;
/** What is shown before anything is typed. */
const RULES = ["length", "not-common", "not-personal", "strong"];

/** `person` gives what the password must not be made of; `oninput` hears each change. */
export function newPasswordField({ name, label, value = "", error = null, person, oninput, signal, ...attributes }) {
  const meter = el("div", { class: "meter-bars", "aria-hidden": "true" }, bars(0));
  const word = el("span", { class: "meter-word" });
  const rules = el("ul", { class: "rules" });
  const tip = el("p", { class: "hint" }, t("password.advice"));
  let advice = null;
  let timer = null;
  let turn = 0;

  const field = passwordField({
    name,
    label: label ?? t("field.password.label"),
    error,
    value,
    maxlength: PASSWORD_MAX,
    oninput: (event) => {
      oninput(event.target.value);
      advice = null;
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    },
    ...attributes,
  });
  signal.addEventListener("abort", () => clearTimeout(timer));

  async function ask() {
    turn += 1;
    const mine = turn;
    const password = field.input.value;
    if (!password) return void draw(null);
    try {
      const told = await api.passwordStrength({ password, ...person() }, signal);
      if (mine === turn && !signal.aborted) draw(told);
    } catch {
      // The advice is a kindness; the server judges the password again when it is sent.
    }
  }

  function draw(told) {
    advice = told;
    const score = told ? told.score : 0;
    meter.dataset.score = told ? String(score) : "";
    meter.replaceChildren(...bars(told ? Math.max(1, score) : 0));
    word.textContent = told ? t(`password.score.${score}`) : "";
    const listed = told ? told.rules : RULES.map((id) => ({ id, satisfied: null }));
    rules.replaceChildren(...listed.map(rule));
    tip.textContent = told?.suggestions.length ? slugText("password.tip", told.suggestions[0]) : t("password.advice");
    if (told?.acceptable) field.setError(null);
  }

  draw(null);
  if (value) queueMicrotask(ask);
  const panel = el(
    "div",
    { class: "password-panel" },
    el("div", { class: "meter", role: "status" }, el("span", {}, t("password.strength")), meter, word),
    rules,
    tip,
  );
  return {
    input: field.input,
    setError: field.setError,
    /** Whether the server has found this very text too weak. */
    refused: () => advice?.acceptable === false,
    node: el("div", { class: "new-password" }, field.node, panel),
  };
}

function rule({ id, satisfied }) {
  const state = satisfied === null ? "open" : satisfied ? "met" : "unmet";
  return el(
    "li",
    { "data-rule": id, "data-state": state },
    icon(satisfied ? "check" : satisfied === null ? "dot" : "cross"),
    el("span", {}, slugText("password.rule", id, "", PASSWORD_RULE)),
    satisfied !== null && el("span", { class: "unseen" }, t(satisfied ? "password.met" : "password.unmet")),
  );
}

const bars = (filled) =>
  Array.from({ length: BEST_SCORE }, (_, index) => el("span", { class: index < filled ? "filled" : "" }));
