/** One of a few large cards, each with a picture, its words and what it means. */

import { el, icon } from "./dom.js";
import { errorText } from "./form.js";

/** `options` are {value, picture, title, text}; nothing is chosen beforehand unless `chosen` says so. */
export function cardField({ name, label, options, chosen = null, error = null, onchange }) {
  const message = errorText(name, error);
  const card = ({ value, picture, title, text = null }) =>
    el(
      "label",
      { class: "card" },
      el("input", {
        type: "radio",
        name,
        value,
        autocomplete: "off",
        checked: value === chosen,
        "aria-describedby": text && `${name}-${value}-text`,
        onchange: () => {
          message.textContent = "";
          onchange(value);
        },
      }),
      el(
        "span",
        { class: "card-face" },
        icon(picture, "huge"),
        el("span", { class: "card-title" }, title),
        text && el("span", { class: "card-text", id: `${name}-${value}-text` }, text),
      ),
    );
  const node = el(
    "fieldset",
    { class: "field cards", "aria-describedby": `${name}-error` },
    el("legend", { class: "unseen" }, label),
    el("div", { class: "card-row" }, options.map(card)),
    message,
  );
  return { node, setError: (text) => (message.textContent = text ?? "") };
}
