/** The patient's picture, or the same with the heat map over it, where a model was asked. */

import * as api from "./api.js";
import { el, icon } from "./dom.js";
import { t } from "./texts.js";

const CHOICES = [
  ["photo", "camera"],
  ["heat", "eye"],
];

export function pictureChoice({ image_sha256: photo, heat_map_sha256: heat, body_site: site }) {
  const urls = { photo: api.imageUrl(photo), heat: heat && api.imageUrl(heat) };
  const image = el("img", { class: "picture" });
  const hint = el("p", { class: "picture-hint", "aria-live": "polite" });
  image.addEventListener("error", () => (hint.textContent = t("picture.missing")));
  const buttons = CHOICES.map(([kind, picture]) =>
    el(
      "button",
      { type: "button", class: "segment", "data-picture": kind, onclick: () => choose(kind) },
      icon(picture),
      el("span", {}, t(`picture.${kind}`)),
    ),
  );
  function choose(kind) {
    image.src = urls[kind];
    image.alt = t(`picture.${kind}.alt`, { site: t(`body.${site}`) });
    hint.textContent = t(`picture.${kind}.hint`);
    for (const segment of buttons) segment.setAttribute("aria-pressed", String(segment.dataset.picture === kind));
  }
  choose("photo");
  return el(
    "div",
    { class: "picture-choice" },
    el("div", { class: "picture-frame" }, image),
    heat && el("div", { class: "segments", role: "group", "aria-label": t("picture.choose") }, buttons),
    hint,
  );
}
