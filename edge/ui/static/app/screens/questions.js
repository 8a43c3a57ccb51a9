/** What the picture cannot tell: a few questions about the spot before it is taken. Nothing is answered beforehand. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { problemPlace } from "../problem.js";
import { t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

const ANSWERS = ["yes", "no", "not-sure"];
const PICTURE = {
  guardian: "person-known",
  "scaly-scalp": "flakes",
  nail: "nail",
  palm: "palm",
  sole: "foot",
  "near-eye": "eye",
  "mouth-or-nose": "mouth",
  genital: "hips",
  treated: "plaster",
  different: "odd",
  "new-after-40": "calendar",
  bleeding: "drop",
  "not-healing": "clock",
  growing: "grow",
  changed: "shape",
  "itch-or-pain": "pain",
};

/** `answers` are those given before, which stand until they are changed; `screens` is null until the server told. */
export function questions({ kiosk, signal, site, lesionId, answers = {}, screens = null, step = 0 }) {
  const given = { ...answers };
  const number = step + 1;
  const place = problemPlace();
  const list = el("div", { class: "questions" });
  const told = el("p", { class: "questions-told", "aria-live": "polite" });
  const next = button({ text: t("nav.next"), after: "right", kind: "primary", "data-do": "next", onclick: goOn });
  const rest = button({ text: t("questions.rest"), picture: "cross", "data-do": "rest", onclick: noToTheRest });
  let asked = null;

  function draw() {
    asked = screens[step];
    const spot = t("spot.at", { site: t(`body.${site}`) });
    told.textContent = t("questions.progress", { spot, step: number, count: screens.length });
    list.replaceChildren(...asked.map((id) => question({ id, given })));
  }

  async function load() {
    place.clear();
    const answer = await kiosk.attempt(
      () => api.questions({ site, signal }),
      (problem) => place.tell(problem),
    );
    if (!answer || signal.aborted) return;
    screens = answer.screens;
    draw();
  }

  function noToTheRest() {
    for (const id of asked ?? []) {
      if (id in given) continue;
      given[id] = "no";
      list.querySelector(`input[name="${id}"][value="no"]`).checked = true;
    }
  }

  function goOn() {
    if (!asked) return void load();
    const open = asked.filter((id) => !(id in given));
    for (const row of list.children) row.classList.toggle("open", open.includes(row.dataset.question));
    if (open.length) {
      told.textContent = t("questions.open");
      told.classList.add("field-error");
      list.querySelector(".open input").focus();
    } else if (number < screens.length) {
      kiosk.show("questions", { site, lesionId, answers: given, screens, step: number });
    } else {
      const all = screens.flat();
      const fitting = Object.fromEntries(Object.entries(given).filter(([id]) => all.includes(id)));
      kiosk.show("capture", { site, lesionId, answers: fitting });
    }
  }

  function goBack() {
    if (step > 0) kiosk.show("questions", { site, lesionId, answers: given, screens, step: step - 1 });
    else kiosk.show("bodySite");
  }

  if (screens) draw();
  else load();
  return {
    kind: `questions-${number}`,
    content: [
      el("div", { class: "questions-head" }, heading(t(`questions.title.${number}`)), told),
      place.node,
      list,
    ],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: goBack }),
      rest,
      next,
    ],
    bar: visitBar(kiosk),
  };
}

function question({ id, given }) {
  const choice = (answer) =>
    el(
      "label",
      { class: "choice" },
      el("input", {
        type: "radio",
        name: id,
        value: answer,
        autocomplete: "off",
        checked: given[id] === answer,
        onchange: () => (given[id] = answer),
      }),
      el("span", {}, t(`answer.${answer}`)),
    );
  return el(
    "div",
    { class: "question", "data-question": id, role: "radiogroup", "aria-labelledby": `question-${id}` },
    icon(PICTURE[id] ?? "question"),
    el("p", { id: `question-${id}` }, t(`question.${id}`)),
    el("div", { class: "answers" }, ANSWERS.map(choice)),
  );
}
