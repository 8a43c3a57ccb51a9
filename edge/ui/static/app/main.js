/** Starts the page. */

import { loadIcons } from "./dom.js";
import { Kiosk } from "./kiosk.js";
import { account, card } from "./screens/account.js";
import {
  accountConsents,
  accountDelete,
  accountFace,
  accountFaceNew,
  accountPassword,
  accountProblem,
} from "./screens/account_changes.js";
import { arrival, attempts } from "./screens/arrival.js";
import { bodySite } from "./screens/body_site.js";
import { capture } from "./screens/capture.js";
import { enrolment, facePicture, registerFace } from "./screens/enrol_face.js";
import { locked } from "./screens/locked.js";
import { closing, ended, starting } from "./screens/passing.js";
import { questions } from "./screens/questions.js";
import { refused } from "./screens/refused.js";
import { register } from "./screens/register.js";
import { registerReview } from "./screens/register_review.js";
import { registered } from "./screens/registered.js";
import { reset, resetCode, resetPassword } from "./screens/reset.js";
import { result } from "./screens/result.js";
import { faceSignIn, scanCard, signIn, signInProof } from "./screens/sign_in.js";
import { welcome } from "./screens/welcome.js";
import { loadTexts } from "./texts.js";

const RETRY_MS = 2000;
const SCREENS = {
  account, accountConsents, accountDelete, accountFace, accountFaceNew, accountPassword, accountProblem, arrival,
  attempts, bodySite, capture, card, closing, ended, enrolment, facePicture, faceSignIn, locked, questions, refused,
  register, registerFace, registerReview, registered, reset, resetCode, resetPassword, result, scanCard, signIn,
  signInProof, starting, welcome,
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
const parts = Object.fromEntries(["bar", "screen", "simulated", "trouble", "away", "idle"].map((id) => [id, byId(id)]));
const kiosk = new Kiosk(parts, SCREENS);

// A page that the browser keeps for its back button must hold nothing, and start anew when it returns.
addEventListener("pagehide", () => kiosk.wipe());
addEventListener("pageshow", (event) => event.persisted && location.reload());
// What is being typed stays in sight when an on-screen keyboard takes half of the window.
addEventListener("resize", () => document.activeElement?.scrollIntoView({ block: "nearest" }));
// A long press or a drag opens nothing on a kiosk.
for (const event of ["contextmenu", "dragstart"]) addEventListener(event, (happened) => happened.preventDefault());

await kiosk.start();
