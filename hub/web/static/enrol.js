// Registering the first passkey, then storing the recovery codes.

import { create } from "./passkey.js";
import { showCodes } from "./recovery_codes.js";
import { ask, inWords, ready, tell, withoutPasskeys } from "./staff_api.js";

const step = document.getElementById("step");
const problem = document.getElementById("problem");

tell(problem, withoutPasskeys());

document.getElementById("register").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  tell(problem, "");
  button.disabled = true;
  try {
    const credential = await create(await ask("POST", "/enrolment/options"));
    const label = document.getElementById("label").value;
    const { recovery_codes: codes } = await ask("POST", "/enrolment", { credential, label });
    step.hidden = true;
    await showCodes(codes);
    location.replace(step.dataset.home);
  } catch (error) {
    tell(problem, inWords(error));
    button.disabled = false;
    button.focus();
  }
});

ready();
