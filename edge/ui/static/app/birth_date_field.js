/** A birth date in three parts, in the order of the language; a calendar is hard to use for years long past. */

import { el } from "./dom.js";
import { errorText } from "./form.js";
import { OLDEST_YEARS } from "./rules.js";
import { dateOrder, monthNames, t } from "./texts.js";

/** `parts` is {day, month, year} as texts; it is changed in place. */
export function birthDateField({ name, parts, error = null }) {
  const message = errorText(name, error);
  const keep = (part) => (event) => (parts[part] = event.target.value);
  const number = (part, length) => {
    const input = el("input", {
      id: `${name}-${part}`,
      class: "input",
      type: "text",
      inputmode: "numeric",
      maxlength: length,
      size: length,
      autocomplete: "off",
      "aria-describedby": `${name}-error`,
      oninput: keep(part),
    });
    input.value = parts[part];
    return input;
  };
  const months = el(
    "select",
    {
      id: `${name}-month`,
      class: "input",
      autocomplete: "off",
      "aria-describedby": `${name}-error`,
      oninput: keep("month"),
    },
    el("option", { value: "" }, t("field.birth_date.choose")),
    monthNames().map((month, index) => el("option", { value: index + 1 }, month)),
  );
  months.value = parts.month;
  const controls = { day: number("day", 2), month: months, year: number("year", 4) };
  const node = el(
    "fieldset",
    { class: "field birth" },
    el("legend", {}, t("field.birth_date.label")),
    el(
      "div",
      { class: "birth-row" },
      dateOrder().map((part) =>
        el("label", { class: `birth-${part}` }, el("span", {}, t(`field.birth_date.${part}`)), controls[part]),
      ),
    ),
    message,
  );
  const first = controls[dateOrder()[0]];
  return { node, first, setError: (text) => (message.textContent = text ?? "") };
}

/** The date as YYYY-MM-DD, or null when it is none or nobody living can have been born then. */
export function isoDate({ day, month, year }, today = new Date()) {
  const [d, m, y] = [day, month, year].map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : NaN));
  const date = new Date(Date.UTC(y, m - 1, d));
  const exists = y > 999 && date.getUTCDate() === d && date.getUTCMonth() === m - 1;
  if (!exists || y < today.getFullYear() - OLDEST_YEARS || date > today) return null;
  return date.toISOString().slice(0, 10);
}
