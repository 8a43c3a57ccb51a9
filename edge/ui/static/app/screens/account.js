/** My account: what the kiosk knows of how one signs in, and every way to change it. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { problemPlace } from "../problem.js";
import { longDate, t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

/** `done` is the key of what was just changed, to be confirmed. */
export function account({ kiosk, signal, done = null }) {
  const place = problemPlace();
  const body = el("div", { class: "account" });
  load();
  return {
    kind: "account",
    content: [
      heading(t("account.title")),
      done && el("p", { class: "saved-note", role: "status" }, icon("check"), el("span", {}, t(done))),
      place.node,
      body,
    ].filter(Boolean),
    actions: [
      button({
        text: t("account.back"),
        picture: "left",
        kind: "primary",
        "data-do": "back",
        onclick: () => kiosk.show("bodySite"),
      }),
    ],
    bar: visitBar(kiosk),
  };

  async function load() {
    const told = await kiosk.attempt(
      () => api.account(signal),
      (problem) => place.tell(problem),
      { mayLeave: true },
    );
    if (told && !signal.aborted) body.replaceChildren(person(told), tiles({ kiosk, told }));
  }
}

function person({ full_name: name, patient_code: code, last_sign_in_at: last, failed_attempts: failed }) {
  return el(
    "div",
    { class: "account-person" },
    el("p", { class: "account-name" }, icon("person"), el("span", {}, name)),
    el("p", { class: "account-code" }, code),
    last && el("p", { class: "small" }, t("account.last", { date: longDate(last) })),
    failed > 0 &&
      el("p", { class: "account-failed" }, icon("alert"), el("span", {}, t("account.failed", { count: failed }))),
  );
}

function tiles({ kiosk, told }) {
  const agreed = ["messages", "research"].filter((use) => told.consents[use]);
  return el(
    "div",
    { class: "tiles" },
    tile({ id: "card", picture: "card", text: t("account.card.text"), onclick: () => kiosk.show("card") }),
    tile({
      id: "consents",
      picture: "hand",
      text: (agreed.length ? agreed : ["care"]).map((use) => t(`consent.${use}.short`)).join(" · "),
      onclick: () => kiosk.show("accountConsents", { told }),
    }),
    kiosk.traits.offers_face || told.face_enrolled
      ? tile({
          id: "face",
          picture: "face",
          text: t(told.face_enrolled ? "account.face.on" : "account.face.off"),
          onclick: () => kiosk.show(told.face_enrolled ? "accountFace" : "accountFaceNew"),
        })
      : null,
    tile({
      id: "password",
      picture: "key",
      text: t("account.password.text"),
      onclick: () => kiosk.show("accountPassword"),
    }),
    tile({
      id: "delete",
      picture: "trash",
      text: t("account.delete.text"),
      onclick: () => kiosk.show("accountDelete"),
    }),
  );
}

function tile({ id, picture, text, onclick }) {
  return el(
    "button",
    { type: "button", class: "tile", "data-tile": id, onclick },
    icon(picture),
    el("span", { class: "tile-words" }, el("strong", {}, t(`account.${id}`)), el("span", {}, text)),
  );
}

/** The card by which one signs in without typing. */
export function card({ kiosk }) {
  return {
    kind: "card",
    content: [
      heading(t("account.card")),
      el(
        "div",
        { class: "card-sheet" },
        el("img", { class: "card-qr", src: api.CARD_URL, alt: t("card.alt") }),
        el(
          "div",
          { class: "card-words" },
          el("p", { class: "code-label" }, t("registered.code")),
          el("p", { class: "code" }, kiosk.visit.patient_code),
          el("p", {}, t("card.photo")),
          el("p", { class: "note" }, icon("shield"), el("span", {}, t("card.safe"))),
        ),
      ),
    ],
    actions: [backToAccount(kiosk)],
    bar: visitBar(kiosk),
  };
}

export const backToAccount = (kiosk) =>
  button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => kiosk.show("account") });
