/** A probability as a picture: a hundred dots, some of them filled. */

import { svg } from "./dom.js";
import { t } from "./texts.js";

const SIDE = 10;

/** The probability as a number of hundred that is never shown as none or all, which no estimate can know. */
export function ofHundred(probability) {
  return Math.min(99, Math.max(1, Math.round(probability * 100)));
}

/** The sentence that goes with the picture. */
export function hundredSentence(probability) {
  if (probability < 0.005) return t("probability.fewer");
  if (probability > 0.995) return t("probability.more");
  return t("probability.sentence", { count: ofHundred(probability) });
}

export function hundredDots(probability) {
  const count = ofHundred(probability);
  const dots = Array.from({ length: SIDE * SIDE }, (_, index) =>
    svg("circle", {
      cx: (index % SIDE) * 10 + 5,
      cy: Math.floor(index / SIDE) * 10 + 5,
      r: 3.8,
      class: index < count ? "dot filled" : "dot",
    }),
  );
  const told = { role: "img", "aria-label": t("probability.alt", { count }) };
  return svg("svg", { class: "dots", viewBox: "0 0 100 100", ...told }, dots);
}
