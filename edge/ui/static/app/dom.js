/** Building blocks of the page. Text only ever becomes text nodes, so no name can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; `on…` attributes are listeners, true and false set and leave out, null children are skipped. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A decorative icon of icons.svg; whatever it means must also stand there in words. */
export function icon(name, extra = "") {
  return svg(
    "svg",
    { class: `icon ${extra}`, "aria-hidden": "true", focusable: "false" },
    svg("use", { href: `#i-${name}` }),
  );
}

/** A button with an icon before its words; `kind` picks its look. */
export function button({ text, picture = null, after = null, kind = "plain", ...attributes }) {
  return el(
    "button",
    { type: "button", class: `button ${kind}`, ...attributes },
    picture && icon(picture),
    el("span", {}, text),
    after && icon(after),
  );
}

/** A screen's heading, which takes the focus when the screen appears. */
export function heading(text) {
  return el("h1", { tabindex: "-1" }, text);
}

/** Fetch the icons once and keep them in the page. */
export async function loadIcons(holder) {
  const answer = await fetch("/static/icons.svg");
  const parsed = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  holder.append(document.importNode(parsed.documentElement, true));
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
