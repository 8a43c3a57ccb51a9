/** What is asked of a new patient's health, and the common answers with their pictures. */

import { t } from "../texts.js";

const topic = (id, ...options) => ({ id, options: options.map(([option, picture]) => ({ id: option, picture })) });

export const TOPICS = [
  topic(
    "allergies",
    ["medicine", "pill"],
    ["plaster", "plaster"],
    ["latex", "palm"],
    ["disinfectant", "bottle"],
    ["food", "apple"],
    ["pollen", "flower"],
  ),
  topic(
    "conditions",
    ["diabetes", "drop"],
    ["heart", "heart"],
    ["immune", "shield"],
    ["transplant", "organ"],
    ["cancer", "ribbon"],
    ["skin", "flakes"],
  ),
  topic(
    "medications",
    ["blood-thinner", "drop"],
    ["immune", "shield"],
    ["cortisone", "bottle"],
    ["blood-pressure", "heart"],
    ["sun-sensitive", "sun"],
    ["painkiller", "pill"],
  ),
  topic(
    "earlier_lesions",
    ["melanoma", "odd"],
    ["other-cancer", "ribbon"],
    ["removed", "plaster"],
    ["many-moles", "moles"],
    ["sunburns", "sun"],
    ["family", "family"],
  ),
];

/** An answer in the words in which it was chosen, and in which it is kept. */
export const words = (topicId, option) => t(`history.${topicId}.${option}`);
