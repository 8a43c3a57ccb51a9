/** A drawn pair for each fault of a picture: how it looked, and how it should look. */

import { el, icon, svg } from "./dom.js";
import { t } from "./texts.js";

const SPOT = "M52 42c10-10 28-6 32 6s6 26-6 32-30 6-34-8 0-22 8-30z";
const SPECKS = [
  [58, 54, 4],
  [70, 50, 3],
  [68, 68, 5],
  [56, 70, 3],
];

/** What each fault does to a good picture. */
const SPOILT = {
  blurred: () => scene({ blur: true }),
  dark: () => scene({ veil: "veil-dark" }),
  overexposed: () => scene({ veil: "veil-bright" }),
  glare: () =>
    scene({
      over: [
        svg("ellipse", { cx: 48, cy: 44, rx: 19, ry: 10, class: "shine", transform: "rotate(-35 48 44)" }),
        svg("ellipse", { cx: 82, cy: 78, rx: 11, ry: 6, class: "shine", transform: "rotate(-35 82 78)" }),
      ],
    }),
  blank: () => scene({ spot: false }),
  frozen: () => scene({ over: [svg("path", { d: "M50 42v40M76 42v40", class: "pause" })] }),
  "too-small": () => scene({ scale: 0.25 }),
  other: () => scene({ blur: true, veil: "veil-dark" }),
};

/** The pair, side by side, with a cross and a tick. */
export function faultPicture(fault) {
  const spoil = SPOILT[fault] ?? SPOILT.other;
  return el(
    "div",
    { class: "pair" },
    side({ picture: spoil(), kind: "bad", mark: "cross", words: t("refused.bad") }),
    el("div", { class: "pair-arrow" }, icon("right")),
    side({ picture: scene({ ring: true }), kind: "good", mark: "check", words: t("refused.good") }),
  );
}

function side({ picture, kind, mark, words }) {
  return el(
    "figure",
    { class: `sample ${kind}` },
    picture,
    el("figcaption", {}, icon(mark), el("span", {}, words)),
  );
}

function scene({ spot = true, blur = false, veil = null, over = [], ring = false, scale = 1 }) {
  const size = `translate(${64 - 64 * scale} ${64 - 64 * scale}) scale(${scale})`;
  const drawn = spot && [
    svg("path", { d: SPOT, class: "spot" }),
    ...SPECKS.map(([cx, cy, r]) => svg("circle", { cx, cy, r, class: "speck" })),
  ];
  return svg(
    "svg",
    { viewBox: "0 0 128 128", "aria-hidden": "true" },
    svg(
      "defs",
      {},
      svg(
        "filter",
        { id: "blur", x: "-30%", y: "-30%", width: "160%", height: "160%" },
        svg("feGaussianBlur", { stdDeviation: 7 }),
      ),
      svg("clipPath", { id: "lens" }, svg("circle", { cx: 64, cy: 64, r: 58 })),
    ),
    svg(
      "g",
      { "clip-path": "url(#lens)" },
      svg("rect", { width: 128, height: 128, class: scale < 1 ? "nothing" : "skin" }),
      svg(
        "g",
        { transform: size, filter: blur ? "url(#blur)" : null },
        scale < 1 && svg("rect", { width: 128, height: 128, class: "skin" }),
        drawn,
      ),
      over,
      veil && svg("rect", { width: 128, height: 128, class: veil }),
    ),
    svg("circle", { cx: 64, cy: 64, r: 58, class: "rim" }),
    ring && svg("circle", { cx: 64, cy: 62, r: 34, class: "aim" }),
  );
}
