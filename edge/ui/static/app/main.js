/** Starts the page. */

import { loadIcons } from "./dom.js";
import { Kiosk } from "./kiosk.js";
import { bodySite } from "./screens/body_site.js";
import { capture } from "./screens/capture.js";
import { closing, ended, starting } from "./screens/passing.js";
import { faceSignIn, signIn } from "./screens/sign_in.js";
import { questions } from "./screens/questions.js";
import { refused } from "./screens/refused.js";
import { register } from "./screens/register.js";
import { registered } from "./screens/registered.js";
import { result } from "./screens/result.js";
import { welcome } from "./screens/welcome.js";
import { loadTexts } from "./texts.js";

const RETRY_MS = 2000;
const SCREENS = {
  bodySite, capture, closing, ended, faceSignIn, questions, refused, register, registered, result, signIn, starting,
  welcome,
};
const byId = (id) => document.getElementById(id);

// The kiosk's browser starts before its server does.
async function load() {
  for (;;) {
    try {
      await Promise.all([loadTexts(), loadIcons(byId("icons"))]);
      return;
    } catch {
      await new Promise((resume) => setTimeout(resume, RETRY_MS));
    }
  }
}

await load();
const parts = Object.fromEntries(["bar", "screen", "simulated", "trouble", "idle"].map((id) => [id, byId(id)]));
const kiosk = new Kiosk(parts, SCREENS);

// A page that the browser keeps for its back button must hold nothing, and start anew when it returns.
addEventListener("pagehide", () => kiosk.wipe());
addEventListener("pageshow", (event) => event.persisted && location.reload());
// What is being typed stays in sight when an on-screen keyboard takes half of the window.
addEventListener("resize", () => document.activeElement?.scrollIntoView({ block: "nearest" }));
// A long press or a drag opens nothing on a kiosk.
for (const event of ["contextmenu", "dragstart"]) addEventListener(event, (happened) => happened.preventDefault());

await kiosk.start();
