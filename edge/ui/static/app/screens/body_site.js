/** Where the spot is; and, where one was photographed already, whether it is the same. */

import * as api from "../api.js";
import { bodyFigure } from "../body_figure.js";
import { button, el, heading, icon } from "../dom.js";
import { t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

const SITES = ["scalp", "face", "neck", "chest", "abdomen", "back", "arm", "hand", "leg", "foot"];

export function bodySite({ kiosk, asked = null }) {
  if (asked) return sameSpot({ kiosk, site: asked });
  const done = new Set([...kiosk.lesions.values()].map(({ site }) => site));
  const choose = (site) => {
    if (done.has(site)) kiosk.show("bodySite", { asked: site });
    else kiosk.show("questions", { site, lesionId: null });
  };
  return {
    kind: "body-site",
    content: [
      el(
        "div",
        { class: "site-head" },
        heading(t("site.title")),
        el("p", { class: "hello" }, t("site.hello", { name: kiosk.visit.full_name })),
      ),
      el(
        "div",
        { class: "site-choice" },
        bodyFigure({ choose, done }),
        el(
          "div",
          { class: "site-list" },
          el(
            "div",
            { class: "site-names", role: "group", "aria-label": t("site.hint") },
            SITES.map((site) => siteButton({ site, done: done.has(site), choose })),
          ),
          el("p", { class: "note" }, icon("info"), el("span", {}, t("site.not_here"))),
        ),
      ),
    ],
    bar: visitBar(kiosk),
  };
}

function siteButton({ site, done, choose }) {
  return el(
    "button",
    { type: "button", class: "button site", "data-site": site, onclick: () => choose(site) },
    el("span", {}, t(`body.${site}`)),
    done && el("span", { class: "site-done" }, icon("check"), el("span", { class: "unseen" }, t("site.done"))),
  );
}

function sameSpot({ kiosk, site }) {
  const known = [...kiosk.lesions].filter(([, lesion]) => lesion.site === site);
  const spot = ([lesionId, { picture, answers }], index) =>
    el(
      "button",
      {
        type: "button",
        class: "button spot",
        "data-lesion": lesionId,
        // Asked once a visit; a page that was loaded anew no longer knows.
        onclick: () => kiosk.show(answers ? "capture" : "questions", { site, lesionId, ...(answers && { answers }) }),
      },
      picture ? el("img", { src: api.imageUrl(picture), alt: "" }) : icon("ring", "huge"),
      el("span", {}, known.length > 1 ? t("site.same.number", { number: index + 1 }) : t("site.same.yes")),
    );
  return {
    kind: "same-spot",
    content: [
      heading(t("site.same.title")),
      el("p", { class: "lead" }, t("site.same.text", { site: t(`body.${site}`) })),
      el(
        "div",
        { class: "spots" },
        known.map(spot),
        el(
          "button",
          {
            type: "button",
            class: "button spot",
            "data-lesion": "new",
            onclick: () => kiosk.show("questions", { site, lesionId: null }),
          },
          icon("plus", "huge"),
          el("span", {}, t("site.same.no")),
        ),
      ),
    ],
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => kiosk.show("bodySite") }),
    ],
    bar: visitBar(kiosk),
  };
}
