/** What every screen of a visit carries: the patient's code, which leads to the account, and the way out. */

import { button, el, icon } from "./dom.js";
import { t } from "./texts.js";

export function finishButton(kiosk) {
  return button({ text: t("nav.finish"), picture: "exit", "data-do": "finish", onclick: () => kiosk.end() });
}

export function visitBar(kiosk) {
  const account = button({
    text: kiosk.visit.patient_code,
    picture: "person",
    kind: "quiet",
    "data-do": "account",
    "aria-label": t("account.open", { code: kiosk.visit.patient_code }),
    onclick: () => kiosk.show("account"),
  });
  return [account, finishButton(kiosk)];
}
