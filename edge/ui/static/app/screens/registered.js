/** Welcome to a new patient, with the code by which staff and clinic find them and with which they sign in. */

import { CARD_URL } from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { finishButton } from "../visit_bar.js";
import { t } from "../texts.js";

export function registered({ kiosk, face }) {
  const { full_name: name, patient_code: code, welcome } = kiosk.visit;
  return {
    content: [
      heading(t("registered.title", { name })),
      el(
        "div",
        { class: "card-sheet" },
        el("img", { class: "card-qr", src: CARD_URL, alt: t("card.alt") }),
        el(
          "div",
          { class: "card-words" },
          el("p", { class: "code-label" }, t("registered.code")),
          el("p", { class: "code" }, welcome?.patient_code ?? code),
          el("p", {}, t("registered.code.hint")),
          welcome?.provisional && el("p", { class: "note" }, icon("clock"), el("span", {}, t("card.provisional"))),
          face && el("p", { class: "note" }, icon("face"), el("span", {}, t("registered.face"))),
        ),
      ),
    ],
    actions: [
      button({
        text: t("registered.start"),
        after: "right",
        kind: "primary large",
        "data-do": "start",
        onclick: () => kiosk.show("bodySite"),
      }),
    ],
    bar: [finishButton(kiosk)],
  };
}
