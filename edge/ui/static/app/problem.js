/** A failure in plain words: what happened and what to do. */

import { el, icon } from "./dom.js";
import { ruleOf } from "./rules.js";
import { errorKey, t } from "./texts.js";

const PICTURES = { camera: "unplugged", network: "unplugged", face: "face" };

/** A place on a screen for problems, read out when one appears. */
export function problemPlace() {
  const node = el("div", { class: "problem-place", role: "alert" });
  /** In words of the caller's own: what happened, and what to do. */
  const say = (code, happened, toDo) => {
    node.replaceChildren(
      el(
        "div",
        { class: "problem", "data-code": code },
        icon(PICTURES[code.split("-")[0]] ?? "alert"),
        el("div", {}, el("strong", {}, happened), " ", toDo),
      ),
    );
    node.scrollIntoView({ block: "nearest" });
  };
  return {
    node,
    clear: () => node.replaceChildren(),
    say,
    /** `more` is one further sentence. */
    tell: (problem, more = null) => {
      const key = errorKey(problem.code);
      const values = ruleOf(problem.code);
      say(problem.code, t(key, values), [t(`${key}.do`, values), more].filter(Boolean).join(" "));
    },
  };
}
