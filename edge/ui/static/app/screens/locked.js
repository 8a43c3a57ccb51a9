/** No sign-in for a while: how long, and what to do instead of waiting. */

import { button, el, heading, icon } from "../dom.js";
import { t } from "../texts.js";
import { cancel } from "./sign_in.js";

const TICK_MS = 250;

/** `code` says whether this name is locked (sign-in-locked) or all of this kiosk waits (sign-in-throttled). */
export function locked({ kiosk, signal, claim, code, remainingS }) {
  const until = performance.now() + remainingS * 1000;
  const count = el("p", { class: "countdown", role: "timer", "aria-atomic": "true" });
  const over = el("p", { class: "lead", "aria-live": "polite" });
  const again = button({
    text: t("nav.again"),
    picture: "again",
    kind: "primary",
    "data-do": "again",
    disabled: true,
    onclick: () => kiosk.show("signInProof", { claim }),
  });
  const mayReset = code === "sign-in-locked";

  function tick() {
    if (signal.aborted) return;
    const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (count.textContent !== text) count.textContent = text;
    again.disabled = left > 0;
    if (left > 0) setTimeout(tick, TICK_MS);
    else over.textContent = t("locked.over");
  }

  over.textContent = t(`locked.${code}.text`);
  tick();
  kiosk.watchForm();
  return {
    kind: "locked",
    content: [
      el(
        "div",
        { class: "locked" },
        el(
          "div",
          { class: "locked-time" },
          el("div", { class: "medal" }, icon(mayReset ? "lock" : "clock", "huge")),
          count,
          el("p", { class: "small" }, t("locked.minutes")),
        ),
        el(
          "div",
          { class: "locked-words" },
          heading(t(`locked.${code}.title`)),
          over,
          mayReset &&
            button({
              text: t("locked.reset"),
              picture: "key",
              kind: "secondary large",
              "data-do": "reset",
              onclick: () => kiosk.show("reset", { claim }),
            }),
          el("p", { class: "note" }, icon("talk"), el("span", {}, t("locked.staff"))),
        ),
      ),
    ],
    actions: [
      button({
        text: t("ended.home"),
        picture: "home",
        "data-do": "home",
        onclick: () => kiosk.home({ samePerson: true }),
      }),
      again,
    ],
    bar: [cancel(kiosk)],
  };
}
