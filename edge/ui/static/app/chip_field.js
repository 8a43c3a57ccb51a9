/** Several of many, with pictures, and what none of them says in the patient's own words; or none at all. */

import { button, el, icon } from "./dom.js";
import { errorText, textField } from "./form.js";
import { t } from "./texts.js";

const OWN_MOST = 10;
const OWN_LENGTH = 80;

/** `told` is {none, picked, own, typing} and is changed in place; `options` are {id, picture, words}. */
export function chipField({ name, label, options, told, error = null }) {
  const message = errorText(name, error);
  const chips = el("div", { class: "chips" });
  const typed = textField({
    name: `${name}-own`,
    label: t("history.own"),
    value: told.typing,
    maxlength: OWN_LENGTH,
    oninput: (event) => (told.typing = event.target.value),
    onkeydown: (event) => {
      if (event.key !== "Enter" || !typed.input.value.trim()) return;
      event.preventDefault();
      add();
    },
  });
  const own = el(
    "div",
    { class: "chip-own" },
    typed.node,
    button({ text: t("history.add"), picture: "plus", "data-do": "add", onclick: () => typed.input.value.trim() && add() }),
  );
  const add = () => {
    takeTyped(told);
    typed.input.value = "";
    draw();
    typed.input.focus();
  };

  function draw() {
    if (told.picked.length || told.own.length) message.textContent = "";
    chips.replaceChildren(
      none(),
      ...options.map(({ id, picture, words }) =>
        chip({ value: id, picture, words, on: told.picked.includes(id), toggle: (on) => pick(id, on) }),
      ),
      ...told.own.map((words) => chip({ value: words, picture: "pencil", words, on: true, toggle: () => drop(words) })),
      own,
    );
  }

  function none() {
    return chip({
      value: "none",
      picture: "none",
      words: t("history.none"),
      on: told.none,
      toggle: (on) => {
        told.none = on;
        if (on) Object.assign(told, { picked: [], own: [] });
        redraw("none");
      },
    });
  }

  function pick(id, on) {
    told.picked = on ? [...told.picked, id] : told.picked.filter((other) => other !== id);
    told.none = false;
    redraw(id);
  }

  function drop(words) {
    told.own = told.own.filter((other) => other !== words);
    redraw("none");
  }

  function redraw(value) {
    message.textContent = "";
    draw();
    chips.querySelector(`input[value="${value}"]`)?.focus({ preventScroll: true });
  }

  draw();
  const node = el(
    "fieldset",
    { class: "field", "aria-describedby": `${name}-error` },
    el("legend", { class: "unseen" }, label),
    chips,
    message,
  );
  return { node, setError: (text) => (message.textContent = text ?? "") };
}

/** What is typed and not yet added is meant too. */
export function takeTyped(told) {
  const words = told.typing.trim();
  told.typing = "";
  if (!words || told.own.includes(words) || told.own.length >= OWN_MOST) return;
  told.own = [...told.own, words];
  told.none = false;
}

function chip({ value, picture, words, on, toggle }) {
  const input = el("input", {
    type: "checkbox",
    value,
    autocomplete: "off",
    checked: on,
    onchange: () => toggle(input.checked),
  });
  return el("label", { class: "chip" }, input, el("span", { class: "chip-face" }, icon(picture), el("span", {}, words)));
}
