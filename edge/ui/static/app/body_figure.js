/**
 * A body to point at, from the front and from behind. It repeats the list of names beside it, for those who do not
 * read; so it is hidden from screen readers and from the keyboard, which have the list.
 */

import { el, svg } from "./dom.js";
import { t } from "./texts.js";

const VIEW_BOX = "-12 0 224 430";

/** Outlines of one side; the limbs of the other are their mirror images. */
const HEAD_BACK = "M77 38C77 18 87 8 100 8s23 10 23 30c0 12-5 21-12 26-5 3-17 3-22 0-7-5-12-14-12-26z";
const HAIR = "M76.5 33C76 15 87 7 100 7s24 8 23.5 26C117 23 83 23 76.5 33z";
const FACE = "M77 33c6-9 40-9 46 0 1 17-10 32-23 32S76 50 77 33z";
const FEATURES = "M91 42v2M109 42v2M94 54c4 3 8 3 12 0";
const NECK = "M89 63c6 4 16 4 22 0l1 11c1 5 7 7 13 9H75c6-2 12-4 13-9z";
const CHEST = "M75 83h50c8 2 13 5 16 9l-7 30c0 12-1 20-2 28H68c-1-8-2-16-2-28l-7-30c3-4 8-7 16-9z";
const ABDOMEN = "M68 150h64c-1 16 1 30 5 44 2 9 3 16 3 22l-39 16h-2l-39-16c0-6 1-13 3-22 4-14 6-28 5-44z";
const BACK =
  "M75 83h50c8 2 13 5 16 9l-7 30c0 12-1 20-2 28-1 16 1 30 5 44 2 9 3 16 3 22l-39 16h-2l-39-16c0-6 1-13 3-22 " +
  "4-14 6-28 5-44-1-8-2-16-2-28l-7-30c3-4 8-7 16-9z";
const ARM = "M59 92c-9 2-14 10-16 22-2 20-5 34-9 50-3 14-6 28-8 44l12 3c4-15 9-29 13-43 5-16 11-28 15-46z";
const HAND = "M26 208l12 3c5 4 8 11 7 18-1 3-4 2-5-1 0 6-1 12-4 16-4 6-11 4-13-3-2-11-1-23 3-33z";
const LEG = "M60 216l39 16c0 30-1 58-4 80 0 18-1 40-5 80H74c-2-22-6-42-6-62 0-14 1-22-1-34-5-28-9-54-7-80z";
const FOOT = "M74 392h16c1 10 2 16 1 22-1 6-7 8-15 8-10 0-18-2-18-7s10-9 16-23z";

/** Generous invisible areas for what is smaller than a finger; they lie below everything that is drawn. */
const REACH = {
  neck: "M58 60h84v26H58z",
  hand: "M-10 200h58v56h-58z",
  foot: "M42 388h57v42H42z",
};

const FRONT = [
  ["scalp", [[HAIR, "hair"]]],
  ["face", [[FACE], [FEATURES, "feature"]]],
  ["neck", [[NECK]]],
  ["chest", [[CHEST]]],
  ["abdomen", [[ABDOMEN]]],
];
const BEHIND = [
  ["scalp", [[HEAD_BACK, "hair"]]],
  ["neck", [[NECK]]],
  ["back", [[BACK]]],
];
const LIMBS = [
  ["arm", ARM],
  ["hand", HAND],
  ["leg", LEG],
  ["foot", FOOT],
];

/** Front and back; `choose` hears the site, `done` are the sites that have a picture. */
export function bodyFigure({ choose, done }) {
  return el(
    "div",
    { class: "figures", "aria-hidden": "true" },
    figure({ name: t("site.front"), regions: FRONT, choose, done }),
    figure({ name: t("site.back"), regions: BEHIND, choose, done }),
  );
}

function figure({ name, regions, choose, done }) {
  const region = (site, shapes) =>
    svg(
      "g",
      { class: `region ${done.has(site) ? "done" : ""}`, "data-site": site, onclick: () => choose(site) },
      shapes,
    );
  const path = (d, extra = {}) => svg("path", { d, ...extra });
  const mirrored = (d, extra = {}) => path(d, { transform: "translate(200 0) scale(-1 1)", ...extra });
  const reach = Object.entries(REACH).map(([site, d]) =>
    region(site, [path(d, { class: "reach" }), mirrored(d, { class: "reach" })]),
  );
  return el(
    "figure",
    { class: "figure" },
    svg(
      "svg",
      { viewBox: VIEW_BOX, class: "body" },
      reach,
      LIMBS.map(([site, d]) => region(site, [path(d), mirrored(d)])),
      regions.map(([site, shapes]) =>
        region(
          site,
          shapes.map(([d, kind = ""]) => path(d, { class: kind })),
        ),
      ),
    ),
    el("figcaption", {}, name),
  );
}
