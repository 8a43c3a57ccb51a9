/** Sign-in: first who one is, by name, code or card; then the proof, by password or by face. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { faceCheck, faceMirror } from "../face_check.js";
import { passwordField, textField } from "../form.js";
import { problemPlace } from "../problem.js";
import { setBusy, stepForm } from "../step_form.js";
import { t } from "../texts.js";

const MAX_LENGTH = 200;
/** Answers after which trying again at once is of no use. */
const LOCKS = new Set(["sign-in-locked", "sign-in-throttled"]);

export function signIn({ kiosk, claim = "" }) {
  const field = textField({
    name: "claim",
    label: t("field.claim.label"),
    hint: t("field.claim.hint"),
    value: claim,
    maxlength: MAX_LENGTH,
    "data-focus": true,
  });
  const form = stepForm(() => {
    const told = field.input.value.trim();
    if (told) kiosk.show("signInProof", { claim: told });
    else field.setError(t("field.claim.invalid"));
  }, field.node);
  kiosk.watchForm();
  return {
    kind: "sign-in-claim",
    content: [
      heading(t("signin.claim.title")),
      form,
      kiosk.traits.offers_scan &&
        otherWay(
          button({
            text: t("signin.card"),
            picture: "card",
            kind: "secondary large",
            "data-do": "card",
            onclick: () => kiosk.show("scanCard"),
          }),
        ),
    ].filter(Boolean),
    actions: [
      button({ text: t("nav.back"), picture: "left", "data-do": "back", onclick: () => leave(kiosk) }),
      button({ text: t("nav.next"), after: "right", kind: "primary", type: "submit", form: "step" }),
    ],
    bar: [cancel(kiosk)],
  };
}

/** The card is held before the face camera. */
export function scanCard({ kiosk, signal }) {
  const place = problemPlace();
  const again = button({ text: t("nav.again"), picture: "again", kind: "primary", "data-do": "again", onclick: scan });
  const words = el("p", { class: "guide-words", role: "status" });
  kiosk.watchForm();
  signal.addEventListener("abort", () => api.stopScanning().catch(() => {}));
  scan();
  return {
    kind: "sign-in-card",
    content: [
      el(
        "div",
        { class: "face-check" },
        faceMirror(signal, cardFrame()).node,
        el("div", { class: "guide" }, heading(t("card.scan.title")), el("div", { class: "guide-picture" }, icon("card")), words, place.node),
      ),
    ],
    actions: [
      button({ text: t("signin.type"), picture: "left", "data-do": "back", onclick: () => kiosk.show("signIn") }),
      again,
    ],
    bar: [cancel(kiosk)],
  };

  async function scan() {
    place.clear();
    again.disabled = true;
    words.textContent = t("card.scan.hint");
    const read = await kiosk.attempt(
      () => api.scanCard(signal),
      (problem) => {
        again.disabled = false;
        place.tell(problem);
      },
      { mayLeave: true },
    );
    if (read && !signal.aborted) kiosk.show("signInProof", { claim: read.claim, fromCard: true });
  }
}

export function signInProof({ kiosk, signal, claim, fromCard = false, problem = null }) {
  const place = problemPlace();
  const { offers_face: offersFace } = kiosk.traits;
  const field = passwordField({
    name: "password",
    label: t("field.password.label"),
    maxlength: MAX_LENGTH,
    // Whoever came with a card is not met by a keyboard.
    "data-focus": !(fromCard && offersFace),
  });
  const submit = button({ text: t("signin.submit"), after: "check", kind: "primary", type: "submit", form: "step" });
  const form = stepForm(async () => {
    if (submit.disabled) return;
    setBusy(submit, t("signin.busy"));
    place.clear();
    const visit = await kiosk.attempt(
      () => api.signInWithPassword({ claim, password: field.input.value }, signal),
      (failure) => {
        if (!locked(kiosk, claim, failure)) kiosk.show("signInProof", { claim, problem: failure });
      },
    );
    if (visit) kiosk.begin(visit, "arrival");
  }, field.node);
  kiosk.watchForm();
  if (problem) queueMicrotask(() => place.tell(problem));
  return {
    kind: "sign-in-proof",
    content: [
      heading(t(offersFace ? "signin.prove.face.title" : "signin.prove.title")),
      el("p", { class: "claimed" }, icon(fromCard ? "card" : "person"), el("span", {}, claim)),
      place.node,
      form,
      el(
        "div",
        { class: "other-ways" },
        offersFace &&
          button({
            text: t("signin.face"),
            picture: "face",
            kind: "secondary large",
            "data-do": "face",
            onclick: () => kiosk.show("faceSignIn", { claim }),
          }),
        button({
          text: t("signin.forgot"),
          picture: "question",
          kind: "large",
          "data-do": "forgot",
          onclick: () => kiosk.show("reset", { claim }),
        }),
      ),
    ],
    actions: [
      button({
        text: t("nav.back"),
        picture: "left",
        "data-do": "back",
        onclick: () => kiosk.show("signIn", { claim: fromCard ? "" : claim }),
      }),
      submit,
    ],
    bar: [cancel(kiosk)],
  };
}

export function faceSignIn({ kiosk, signal, claim }) {
  kiosk.watchForm();
  const check = faceCheck({
    kiosk,
    signal,
    process: api.faceSignIn(claim),
    title: t("signin.face.title"),
    hint: t("signin.face.hint"),
    start: t("signin.face.start"),
    done: async () => {
      const visit = await kiosk.attempt(() => api.visit(signal), check.tell);
      if (visit) kiosk.begin(visit, "arrival");
    },
    failed: (problem) => {
      if (locked(kiosk, claim, problem)) return null;
      if (problem.code !== "sign-in-refused") return null;
      return { title: t("signin.face.refused"), text: t("signin.face.refused.do") };
    },
  });
  return {
    kind: "sign-in-face",
    content: [check.node],
    actions: [
      button({
        text: t("signin.use_password"),
        picture: "key",
        "data-do": "use-password",
        onclick: () => kiosk.show("signInProof", { claim }),
      }),
      check.start,
    ],
    bar: [cancel(kiosk)],
  };
}

/** Show how long nothing can be tried; false where the failure is another. */
function locked(kiosk, claim, { code, remainingS }) {
  if (!LOCKS.has(code)) return false;
  kiosk.show("locked", { claim, code, remainingS });
  return true;
}

function otherWay(...ways) {
  return el("div", { class: "other-way" }, el("span", { class: "or" }, t("signin.or")), ways);
}

function cardFrame() {
  return { node: el("div", { class: "card-frame", "aria-hidden": "true" }), progress: () => {} };
}

const leave = (kiosk) => kiosk.home({ samePerson: true });
export const cancel = (kiosk) =>
  button({ text: t("nav.cancel"), picture: "cross", "data-do": "cancel", onclick: () => leave(kiosk) });
