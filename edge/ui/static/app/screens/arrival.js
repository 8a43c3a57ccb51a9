/** After a sign-in: whoever was tried to be, is told so before anything else. */

import * as api from "../api.js";
import { button, el, heading, icon } from "../dom.js";
import { t } from "../texts.js";
import { visitBar } from "../visit_bar.js";

export function arrival({ kiosk, signal }) {
  const place = el("div", { class: "middle" });
  greet();
  return { kind: "arrival", content: [place], bar: visitBar(kiosk) };

  async function greet() {
    // An account that cannot be asked about holds nobody up: the notice stands in "my account" as well.
    const account = await kiosk.attempt(
      () => api.account(signal),
      () => kiosk.show("bodySite"),
      { mayLeave: true },
    );
    if (!account || signal.aborted) return;
    if (account.failed_attempts > 0) kiosk.show("attempts", { account });
    else kiosk.show("bodySite");
  }
}

export function attempts({ kiosk, account }) {
  return {
    kind: "attempts",
    content: [
      el(
        "div",
        { class: "middle" },
        el("div", { class: "medal warn" }, icon("alert", "huge")),
        heading(t("attempts.title", { count: account.failed_attempts })),
        el("p", { class: "lead" }, t("attempts.text")),
      ),
    ],
    actions: [
      button({
        text: t("attempts.change"),
        picture: "key",
        "data-do": "change-password",
        onclick: () => kiosk.show("accountPassword"),
      }),
      button({
        text: t("attempts.me"),
        after: "right",
        kind: "primary",
        "data-do": "go-on",
        onclick: () => kiosk.show("bodySite"),
      }),
    ],
    bar: visitBar(kiosk),
  };
}
