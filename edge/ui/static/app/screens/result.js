/** A saved result. Nothing here calls a spot harmless: each tier comes with its limits, what to watch, and a person. */

import { button, el, heading, icon } from "../dom.js";
import { hundredDots, hundredSentence } from "../hundred_dots.js";
import { pictureChoice } from "../picture_choice.js";
import { has, longDate, slugText, t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

const TIER_ICON = { low: "eye", moderate: "stethoscope", high: "alert", "cannot-assess": "question" };
const WATCH = [
  ["drop", "bleeds"],
  ["grow", "grows"],
  ["shape", "changes"],
  ["pain", "feels"],
];
const HASH_SHOWN = 8;

export function result({ kiosk, outcome }) {
  const { tier, lesion_id: lesionId, body_site: site } = outcome;
  return {
    content: [
      el(
        "div",
        { class: "result", "data-tier": tier, "data-message": outcome.message_id },
        el("div", { class: "result-picture" }, savedMark(site), pictureChoice(outcome)),
        el(
          "div",
          { class: "result-words", "data-scroll": true },
          tierCard(tier),
          warnings(outcome),
          section({
            picture: "right",
            title: t("advice.title"),
            body: [
              el("p", {}, slugText("advice", outcome.advice)),
              el("p", { class: "until" }, icon("calendar"), t("valid.until", { date: longDate(outcome.valid_until) })),
            ],
          }),
          watchFor(),
          tier === "cannot-assess" ? reasons(outcome) : probability(outcome),
          section({
            picture: "talk",
            title: t("human.title"),
            body: [
              el("p", {}, t("human.text")),
              el("p", {}, t("registered.code"), " ", el("strong", { class: "unbroken" }, kiosk.visit.patient_code)),
            ],
          }),
          limits(outcome),
        ),
      ),
    ],
    actions: [
      button({
        text: t("result.again"),
        picture: "again",
        "data-do": "again",
        onclick: () => kiosk.show("capture", { site, lesionId }),
      }),
      button({ text: t("result.other"), picture: "plus", "data-do": "other", onclick: () => kiosk.show("bodySite") }),
      button({
        text: t("result.finish"),
        picture: "check",
        kind: "primary",
        "data-do": "done",
        onclick: () => kiosk.end(),
      }),
    ],
    bar: visitBar(kiosk),
  };
}

function savedMark(site) {
  return el(
    "p",
    { class: "saved", title: t("result.saved.hint") },
    icon("saved"),
    el("strong", {}, t("result.saved")),
    el("span", { class: "saved-site" }, t(`body.${site}`)),
  );
}

function tierCard(tier) {
  const known = has(`tier.${tier}.title`) ? tier : "other";
  return el(
    "div",
    { class: `tier tier-${known}` },
    el(
      "div",
      { class: "tier-sign" },
      icon(TIER_ICON[tier] ?? "question", "huge"),
      el("span", {}, t(`tier.${known}.label`)),
    ),
    el("div", {}, heading(t(`tier.${known}.title`)), el("p", {}, t(`tier.${known}.meaning`))),
  );
}

function warnings({ simulated, clinical }) {
  if (!simulated && clinical) return null;
  const line = (picture, key) =>
    el("p", { class: "warning", "data-warning": key }, icon(picture), el("span", {}, t(key)));
  return el(
    "div",
    { class: "warnings" },
    simulated && line("flask", "warning.simulated"),
    !clinical && line("alert", "warning.research"),
  );
}

function section({ picture, title, body }) {
  return el("section", { class: "part" }, el("h2", {}, icon(picture), el("span", {}, title)), body);
}

function watchFor() {
  return section({
    picture: "alert",
    title: t("watch.title"),
    body: el(
      "ul",
      { class: "watch" },
      WATCH.map(([picture, key]) => el("li", {}, icon(picture), el("span", {}, t(`watch.${key}`)))),
    ),
  });
}

function probability(outcome) {
  return section({
    picture: "info",
    title: t("probability.title"),
    body: el(
      "div",
      { class: "probability" },
      hundredDots(outcome.malignant),
      el(
        "div",
        {},
        el("p", {}, hundredSentence(outcome.malignant)),
        reasonTexts(outcome).map((text) => el("p", { class: "small" }, text)),
        el("p", { class: "small" }, t("probability.caution")),
      ),
    ),
  });
}

/** Where nothing was estimated no number is shown, only why. */
function reasons(outcome) {
  return section({
    picture: "info",
    title: t("reason.title"),
    body: reasonTexts(outcome).map((text) => el("p", {}, text)),
  });
}

function reasonTexts({ reasons: slugs }) {
  // That the picture is simulated stands in the warning already.
  return slugs.filter((slug) => slug !== "simulated-image").map((slug) => slugText("reason", slug));
}

function limits({ model_name: name, model_version: version, model_sha256: hash, licence_of_use: licence }) {
  return section({
    picture: "question",
    title: t("limits.title"),
    body: [
      el("ul", { class: "limits" }, ["one", "wrong", "skin"].map((key) => el("li", {}, t(`limits.${key}`)))),
      el(
        "p",
        { class: "small model" },
        t("limits.model", { name, version, hash: hash.slice(0, HASH_SHOWN), licence }),
      ),
    ],
  });
}
