/** Welcome to a new patient, with the code by which staff and clinic find them. */

import { button, el, heading, icon } from "../dom.js";
import { finishButton } from "../visit_bar.js";
import { t } from "../texts.js";

export function registered({ kiosk, face }) {
  const { full_name: name, patient_code: code } = kiosk.visit;
  return {
    content: [
      el(
        "div",
        { class: "middle" },
        el("div", { class: "medal" }, icon("check", "huge")),
        heading(t("registered.title", { name })),
        el("p", { class: "code-label" }, t("registered.code")),
        el("p", { class: "code" }, code),
        el("p", { class: "lead" }, t("registered.code.hint")),
        face && el("p", { class: "note" }, icon("face"), el("span", {}, t("registered.face"))),
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
