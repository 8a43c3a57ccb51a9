/** A failure in plain words: what happened and what to do. */

import { el, icon } from "./dom.js";
import { ruleOf } from "./rules.js";
import { errorKey, t } from "./texts.js";

const PICTURES = { camera: "unplugged", network: "unplugged", face: "face" };

/** A place on a screen for problems, read out when one appears. */
export function problemPlace() {
  const node = el("div", { class: "problem-place", role: "alert" });
  return {
    node,
    clear: () => node.replaceChildren(),
    /** `more` is one further sentence. */
    tell: (problem, more = null) => {
      const key = errorKey(problem.code);
      const values = ruleOf(problem.code);
      node.replaceChildren(
        el(
          "div",
          { class: "problem", "data-code": problem.code },
          icon(PICTURES[problem.code.split("-")[0]] ?? "alert"),
          el("div", {}, el("strong", {}, t(key, values)), " ", t(`${key}.do`, values), more && ` ${more}`),
        ),
      );
      node.scrollIntoView({ block: "nearest" });
    },
  };
}
