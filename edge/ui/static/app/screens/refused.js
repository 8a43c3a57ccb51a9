/** A picture that could not be used: what was wrong, how to mend it, and the next try. */

import { button, el, heading } from "../dom.js";
import { faultPicture } from "../fault_picture.js";
import { slugText, t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

export function refused({ kiosk, outcome, site, lesionId, answers }) {
  const [first, ...others] = outcome.faults;
  return {
    content: [
      heading(t("refused.title")),
      el(
        "div",
        { class: "refused" },
        faultPicture(first),
        el(
          "div",
          { class: "refused-words" },
          fault(first),
          others.map((slug) => fault(slug)),
          el("p", { class: "note-plain" }, t("refused.lead")),
        ),
      ),
    ],
    actions: [
      button({
        text: t("refused.other"),
        picture: "plus",
        "data-do": "other",
        onclick: () => kiosk.show("bodySite"),
      }),
      button({
        text: t("refused.again"),
        picture: "again",
        kind: "primary",
        "data-do": "again",
        onclick: () => kiosk.show("capture", { site, lesionId, answers }),
      }),
    ],
    bar: visitBar(kiosk),
  };
}

function fault(slug) {
  return el(
    "div",
    { class: "fault", "data-fault": slug },
    el("h2", {}, slugText("fault", slug, ".title")),
    el("p", { class: "fix" }, slugText("fault", slug, ".fix")),
  );
}
