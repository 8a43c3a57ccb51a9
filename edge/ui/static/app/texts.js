/** What the screens say, in three languages; texts/*.json have equal keys. */

/** Each language by its own name, in the order of the buttons. */
export const LANGUAGES = [
  ["en", "English"],
  ["es", "Español"],
  ["zh", "中文"],
];

const texts = {};
let current = "en";

/** Load all languages at once, so that a change needs no server. */
export async function loadTexts() {
  await Promise.all(
    LANGUAGES.map(async ([code]) => {
      const answer = await fetch(`/static/texts/${code}.json`);
      if (!answer.ok) throw new Error(`texts/${code}.json: ${answer.status}`);
      texts[code] = await answer.json();
    }),
  );
}

export const language = () => current;

/** The browser's own language where the kiosk speaks it; it is what a technician set for the place. */
export function homeLanguage() {
  const own = navigator.language.split("-")[0];
  return LANGUAGES.some(([code]) => code === own) ? own : "en";
}

export function setLanguage(code) {
  current = code;
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
}

/** The text of a key, with its {placeholders} filled. */
export function t(key, values = {}) {
  const text = texts[current][key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export const has = (key) => key in texts[current];

/** The text of a slug that may be newer than this page: `fault` and `blurred` give fault.blurred.title. */
export function slugText(group, slug, part = "", values = {}) {
  const known = has(`${group}.${slug}${part}`) ? slug : "other";
  return t(`${group}.${known}${part}`, values);
}

/** The most specific key of an error's texts: camera-unplugged has none of its own and speaks as camera. */
export function errorKey(code) {
  for (let name = code; name; name = name.includes("-") ? name.slice(0, name.lastIndexOf("-")) : "") {
    if (has(`error.${name}`)) return `error.${name}`;
  }
  return "error.generic";
}

/** A date as the chosen language writes it. */
export function longDate(moment) {
  return new Intl.DateTimeFormat(language(), { day: "numeric", month: "long", year: "numeric" }).format(
    new Date(moment),
  );
}

export function monthNames() {
  const name = new Intl.DateTimeFormat(language(), { month: "long", timeZone: "UTC" });
  return Array.from({ length: 12 }, (_, month) => name.format(Date.UTC(2000, month, 1)));
}

/** The order in which the language writes day, month and year. */
export function dateOrder() {
  const parts = new Intl.DateTimeFormat(language()).formatToParts(new Date(0));
  return parts.map((part) => part.type).filter((type) => type !== "literal");
}
