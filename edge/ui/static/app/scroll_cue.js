/** A button that shows that there is more below and goes there, for those who do not know that a page can be moved. */

import { el, icon } from "./dom.js";

const NEAR_END_PX = 12;
const STEP = 0.8;

/** The cue of a scrolling element, shown only while something is hidden below its edge. */
export function scrollCue(body, signal) {
  const cue = el(
    "button",
    {
      type: "button",
      class: "cue",
      // The keyboard and screen readers reach what is below without it.
      tabindex: "-1",
      "aria-hidden": "true",
      onclick: () => body.scrollBy({ top: body.clientHeight * STEP }),
    },
    icon("down"),
  );
  const judge = () => {
    cue.hidden = body.scrollHeight - body.clientHeight - body.scrollTop < NEAR_END_PX;
  };
  const sizes = new ResizeObserver(judge);
  sizes.observe(body);
  for (const child of body.children) sizes.observe(child);
  body.addEventListener("scroll", judge, { passive: true, signal });
  signal.addEventListener("abort", () => sizes.disconnect());
  return cue;
}
