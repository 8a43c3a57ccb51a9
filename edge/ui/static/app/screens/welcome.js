/** The start: language, new or known, what this is and what it is not. */

import { el, heading, icon } from "../dom.js";
import { homeLanguage, language, LANGUAGES, t } from "../texts.js";

export function welcome({ kiosk, signal }) {
  const languages = el(
    "div",
    { class: "languages", role: "group", "aria-label": t("welcome.language") },
    icon("globe"),
    LANGUAGES.map(([code, name]) =>
      el(
        "button",
        {
          type: "button",
          class: "button language",
          lang: code,
          "data-language": code,
          "aria-pressed": String(code === language()),
          onclick: () => {
            kiosk.chooseLanguage(code);
            kiosk.show("welcome");
          },
        },
        name,
      ),
    ),
  );
  const ways = el(
    "div",
    { class: "ways" },
    way({ id: "new", picture: "person-new", onclick: () => kiosk.show("register") }),
    way({ id: "known", picture: "person-known", onclick: () => kiosk.show("signIn") }),
  );
  returnToHomeLanguage(kiosk, signal);
  return {
    content: [
      el("div", { class: "welcome-words" }, heading(t("welcome.title")), el("p", { class: "lead" }, t("welcome.lead"))),
      ways,
      el(
        "div",
        { class: "welcome-foot" },
        el("p", { class: "note" }, icon("info"), el("span", {}, t("welcome.limits"))),
        el("p", { class: "note" }, icon("talk"), el("span", {}, t("help.staff"))),
      ),
    ],
    bar: [languages],
  };
}

function way({ id, picture, onclick }) {
  return el(
    "button",
    { type: "button", class: `way way-${id}`, "data-way": id, onclick },
    icon(picture, "huge"),
    el("span", { class: "way-name" }, t(`welcome.${id}`)),
    el("span", { class: "way-hint" }, t(`welcome.${id}.hint`)),
  );
}

/** The next person may not speak what the last one chose and left. */
function returnToHomeLanguage(kiosk, signal) {
  if (language() === homeLanguage()) return;
  const timer = setTimeout(() => {
    kiosk.forgetLanguage();
    kiosk.show("welcome");
  }, kiosk.traits.idle_s * 1000);
  signal.addEventListener("abort", () => clearTimeout(timer));
}
