/** What can be changed in one's account: agreements, the face, the password; and how all of it is deleted. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { consentField, passwordField } from "../form.js";
import { newPasswordField } from "../new_password_field.js";
import { problemPlace } from "../problem.js";
import { PASSWORD_MAX, PASSWORD_MIN, PASSWORD_RULE } from "../rules.js";
import { setBusy, stepForm } from "../step_form.js";
import { t } from "../texts.js";
import { visitBar } from "../visit_bar.js";
import { backToAccount } from "./account.js";
import { enrolment } from "./enrol_face.js";

const MAY_CHANGE = ["messages", "research"];

export function accountConsents({ kiosk, signal, told }) {
  const place = problemPlace();
  const consents = { ...told.consents };
  const save = saveButton(t("account.save"));
  const form = stepForm(
    () =>
      send({
        kiosk,
        signal,
        place,
        save,
        order: () => api.changeConsents(consents, signal),
        done: () => kiosk.show("account", { done: "account.saved" }),
      }),
    el("p", { class: "note" }, icon("check"), el("span", {}, t("account.consents.care"))),
    MAY_CHANGE.map(
      (use) =>
        consentField({
          name: use,
          label: t(`consent.${use}.yes`),
          hint: t(`consent.${use}.lead`),
          checked: consents[use],
          onchange: (yes) => (consents[use] = yes),
        }).node,
    ),
  );
  return {
    kind: "account-consents",
    content: [heading(t("account.consents")), place.node, form],
    actions: [backToAccount(kiosk), save],
    bar: visitBar(kiosk),
  };
}

/** A face is known: it can be taken again, or deleted everywhere. */
export function accountFace({ kiosk, signal, sure = false }) {
  const place = problemPlace();
  const remove = button({
    text: t(sure ? "account.face.delete.sure" : "account.face.delete"),
    picture: "trash",
    kind: "danger",
    "data-do": sure ? "delete-sure" : "delete",
    onclick: () => {
      if (!sure) return void kiosk.show("accountFace", { sure: true });
      send({
        kiosk,
        signal,
        place,
        save: remove,
        order: () => api.deleteFace(signal),
        done: () => kiosk.show("account", { done: "account.face.deleted" }),
      });
    },
  });
  const retake = button({
    text: t("account.face.retake"),
    picture: "again",
    "data-do": "retake",
    onclick: () => kiosk.show("accountFaceNew"),
  });
  return {
    kind: sure ? "account-face-delete" : "account-face",
    content: [
      place.node,
      el(
        "div",
        { class: "middle" },
        el("div", { class: sure ? "medal warn" : "medal" }, icon(sure ? "trash" : "face", "huge")),
        heading(t(sure ? "account.face.delete.title" : "account.face.on")),
        el("p", { class: "lead" }, t(sure ? "account.face.delete.text" : "account.face.text")),
      ),
    ],
    actions: [
      sure
        ? button({ text: t("account.keep"), picture: "left", "data-do": "back", onclick: () => kiosk.show("account") })
        : backToAccount(kiosk),
      !sure && kiosk.traits.offers_face && retake,
      remove,
    ].filter(Boolean),
    bar: visitBar(kiosk),
  };
}

export function accountFaceNew({ kiosk, signal }) {
  return enrolment({
    kiosk,
    signal,
    kind: "account-face-new",
    head: [],
    bar: visitBar(kiosk),
    back: () => kiosk.show("account"),
    accepted: async (id) => {
      // The screen that asked is still shown; it waits for the answer.
      const saved = await kiosk.attempt(
        async () => (await api.addFace(id), true),
        (problem) => kiosk.show("accountProblem", { problem }),
      );
      if (saved) kiosk.show("account", { done: "account.face.added" });
    },
  });
}

/** A change that did not happen. */
export function accountProblem({ kiosk, problem }) {
  const place = problemPlace();
  queueMicrotask(() => place.tell(problem));
  return {
    kind: "account-problem",
    content: [heading(t("account.title")), place.node],
    actions: [backToAccount(kiosk)],
    bar: visitBar(kiosk),
  };
}

export function accountPassword({ kiosk, signal }) {
  const place = problemPlace();
  let wanted = "";
  const old = passwordField({
    name: "password",
    label: t("field.old_password.label"),
    maxlength: PASSWORD_MAX,
    "data-focus": true,
  });
  const fresh = newPasswordField({
    name: "new_password",
    label: t("field.new_password.label"),
    person: () => ({ username: "", full_name: kiosk.visit.full_name, birth_date: null }),
    oninput: (text) => (wanted = text),
    signal,
  });
  const save = saveButton(t("account.password.save"));
  const form = stepForm(
    () => {
      if (wanted.length < PASSWORD_MIN) return void fresh.setError(t("field.password.invalid", PASSWORD_RULE));
      if (fresh.refused()) return void fresh.setError(t("field.password.weak"));
      send({
        kiosk,
        signal,
        place,
        save,
        order: () => api.changePassword({ password: old.input.value, new_password: wanted }, signal),
        done: () => kiosk.show("account", { done: "account.password.done" }),
      });
    },
    old.node,
    fresh.node,
  );
  return {
    kind: "account-password",
    content: [heading(t("account.password")), place.node, form],
    actions: [backToAccount(kiosk), save],
    bar: visitBar(kiosk),
  };
}

/** All of it, for good; the password proves that it is meant. */
export function accountDelete({ kiosk, signal, sure = false }) {
  const place = problemPlace();
  if (!sure) return whatIsDeleted(kiosk);
  const field = passwordField({
    name: "password",
    label: t("field.password.label"),
    hint: t("account.delete.prove"),
    maxlength: PASSWORD_MAX,
    "data-focus": true,
  });
  const remove = button({
    text: t("account.delete.sure"),
    picture: "trash",
    kind: "danger",
    type: "submit",
    form: "step",
    "data-do": "delete-sure",
  });
  const form = stepForm(
    () =>
      send({
        kiosk,
        signal,
        place,
        save: remove,
        order: () => api.deleteAccount({ password: field.input.value }, signal),
        endsVisit: true,
        done: () => kiosk.deleted(),
      }),
    field.node,
  );
  return {
    kind: "account-delete-sure",
    content: [heading(t("account.delete.title")), place.node, form],
    actions: [keep(kiosk), remove],
    bar: visitBar(kiosk),
  };
}

function whatIsDeleted(kiosk) {
  return {
    kind: "account-delete",
    content: [
      heading(t("account.delete.title")),
      el(
        "ul",
        { class: "ticks" },
        ["sign_in", "face", "clinic"].map((what) =>
          el("li", {}, icon(what === "clinic" ? "info" : "trash"), el("span", {}, t(`account.delete.${what}`))),
        ),
      ),
    ],
    actions: [
      keep(kiosk),
      button({
        text: t("account.delete.go_on"),
        after: "right",
        kind: "danger",
        "data-do": "delete",
        onclick: () => kiosk.show("accountDelete", { sure: true }),
      }),
    ],
    bar: visitBar(kiosk),
  };
}

const keep = (kiosk) =>
  button({ text: t("account.keep"), picture: "left", "data-do": "back", onclick: () => kiosk.show("account") });

const saveButton = (text) => button({ text, after: "check", kind: "primary", type: "submit", form: "step" });

/** Send a change; while it is under way its button says so, and after a failure it can be sent again. */
async function send({ kiosk, signal, place, save, order, done, endsVisit = false }) {
  if (save.disabled) return;
  const words = save.querySelector("span").textContent;
  setBusy(save, t("account.busy"));
  place.clear();
  const saved = await kiosk.attempt(
    async () => (await order(), true),
    (problem) => {
      if (problem.code !== "sign-in-refused") place.tell(problem);
      else place.say(problem.code, t("account.wrong_password"), t("account.wrong_password.do"));
    },
    { endsVisit },
  );
  if (signal.aborted) return;
  if (saved) return void done();
  save.disabled = false;
  save.querySelector("span").textContent = words;
}
