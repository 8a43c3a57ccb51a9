/** What every screen of a visit carries: the patient's code and the way out. */

import { button, el, icon } from "./dom.js";
import { t } from "./texts.js";

export function finishButton(kiosk) {
  return button({ text: t("nav.finish"), picture: "exit", "data-do": "finish", onclick: () => kiosk.end() });
}

export function visitBar(kiosk) {
  const code = el("span", { class: "bar-code" }, icon("person"), el("span", {}, kiosk.visit.patient_code));
  return [code, finishButton(kiosk)];
}
