/** A saved result. Nothing here calls a spot harmless: each tier comes with its limits, what to watch, and a person. */

import { button, el, heading, icon } from "../dom.js";
import { hundredDots, hundredSentence } from "../hundred_dots.js";
import { pictureChoice } from "../picture_choice.js";
import { has, language, longDate, slugText, t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

const TIER_ICON = { low: "eye", moderate: "stethoscope", high: "alert", "cannot-assess": "question" };
const WATCH = [
  ["drop", "bleeds"],
  ["grow", "grows"],
  ["shape", "changes"],
  ["pain", "feels"],
];
const HASH_SHOWN = 8;
const BY_SCORE = { moderate: "score-above-moderate-limit", high: "score-above-high-limit" };
const RAISED = Object.keys(BY_SCORE);

export function result({ kiosk, outcome, answers }) {
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
          tierCard(outcome),
          warnings(outcome),
          section({
            picture: "right",
            title: t("advice.title"),
            body: [
              el("p", {}, slugText("advice", outcome.advice)),
              el("p", { class: "until" }, icon("calendar"), t("valid.until", { date: longDate(outcome.valid_until) })),
            ],
          }),
          why(outcome),
          watchFor(),
          outcome.states_estimate && probability(outcome),
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
        onclick: () => kiosk.show("capture", { site, lesionId, answers }),
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

/** Whose word made the tier: the model's, or the answers', which count whatever the model says. */
function statement({ tier, task, exclusions, reasons: slugs }) {
  if (tier === "cannot-assess" && exclusions.length) return "excluded";
  if (RAISED.includes(tier) && !slugs.includes(BY_SCORE[tier])) return task === "scalp" ? "scalp" : `raised-${tier}`;
  return has(`tier.${tier}.title`) ? tier : "other";
}

function tierCard(outcome) {
  const { tier, advice } = outcome;
  const known = has(`tier.${tier}.title`) ? tier : "other";
  const said = statement(outcome);
  // A red flag in the answers is urgent, also where the computer cannot assess the picture.
  const label = advice === "see-a-dermatologist-soon" ? "high" : known;
  return el(
    "div",
    { class: `tier tier-${known}` },
    el(
      "div",
      { class: "tier-sign" },
      icon(TIER_ICON[label] ?? "question", "huge"),
      el("span", {}, t(`tier.${label}.label`)),
    ),
    el("div", {}, heading(t(`tier.${said}.title`)), el("p", {}, t(`tier.${said}.meaning`))),
  );
}

function warnings({ simulated, clinical }) {
  if (!simulated && clinical !== false) return null;
  const line = (picture, key) =>
    el("p", { class: "warning", "data-warning": key }, icon(picture), el("span", {}, t(key)));
  return el(
    "div",
    { class: "warnings" },
    simulated && line("flask", "warning.simulated"),
    clinical === false && line("alert", "warning.research"),
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
        reasonTexts(outcome, ofScore).map((text) => el("p", { class: "small" }, text)),
        el("p", { class: "small" }, t("probability.caution")),
      ),
    ),
  });
}

/** Every reason but the score's, which stands beside its number where that is shown. */
function why(outcome) {
  const texts = reasonTexts(outcome, (slug) => !outcome.states_estimate || !ofScore(slug));
  if (!texts.length) return null;
  return section({
    picture: "info",
    title: t("reason.title"),
    body: el("ul", { class: "limits" }, texts.map((text) => el("li", {}, text))),
  });
}

const ofScore = (slug) => slug.startsWith("score-");

function reasonTexts({ reasons: slugs }, wanted) {
  // That the picture is simulated stands in the warning already.
  return slugs.filter((slug) => slug !== "simulated-image" && wanted(slug)).map((slug) => slugText("reason", slug));
}

function limits(outcome) {
  const { model_name: name, model_version: version, model_sha256: hash } = outcome;
  // Whoever made the model may not have said it in this language.
  const licence = outcome.licence_of_use_in[language()] ?? outcome.licence_of_use;
  return section({
    picture: "question",
    title: t("limits.title"),
    body: [
      el("ul", { class: "limits" }, ["one", "wrong", "skin"].map((key) => el("li", {}, t(`limits.${key}`)))),
      name &&
        el(
          "p",
          { class: "small model" },
          t("limits.model", { name, version, hash: hash.slice(0, HASH_SHOWN), licence }),
        ),
    ],
  });
}
