/** Screens that pass by themselves: starting, closing a visit, and the goodbye. They show nothing about anybody. */

import { button, el, heading, icon } from "../dom.js";
import { t } from "../texts.js";

const GOODBYE_MS = 12_000;

export function starting() {
  return { content: [middle({ picture: "logo", title: t("app.starting") })] };
}

export function closing() {
  return { content: [middle({ picture: "exit", title: t("ended.closing"), texts: [t("ended.closing.text")] })] };
}

/** `by` is the patient, deletion when the account went with the visit, or idle when the visit ended by itself. */
export function ended({ kiosk, signal, by }) {
  const timer = setTimeout(() => kiosk.home(), GOODBYE_MS);
  signal.addEventListener("abort", () => clearTimeout(timer));
  const home = button({
    text: t("ended.home"),
    picture: "home",
    kind: "primary large",
    "data-do": "home",
    onclick: () => kiosk.home(),
  });
  return {
    kind: `ended-${by}`,
    content: [
      middle({
        picture: by === "idle" ? "clock" : "check",
        title: t(`ended.${by}.title`),
        texts: [t(`ended.${by}.text`), ...(by === "deletion" ? [] : [t("ended.saved")])],
        more: home,
      }),
    ],
  };
}

function middle({ picture, title, texts = [], more = null }) {
  return el(
    "div",
    { class: "middle" },
    el("div", { class: "medal" }, icon(picture, "huge")),
    heading(title),
    texts.map((text) => el("p", { class: "lead" }, text)),
    more,
  );
}
