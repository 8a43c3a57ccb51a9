// The step after the password: the passkey, or a recovery code.

import { get } from "./passkey.js";
import { ask, inWords, ready, tell, withoutPasskeys } from "./staff_api.js";

const step = document.getElementById("step");
const show = document.getElementById("show");
const problem = document.getElementById("problem");

tell(problem, withoutPasskeys());

show.addEventListener("click", () =>
  attempt(show, async () => {
    const credential = await get(await ask("POST", "/sign-in/options"));
    await ask("POST", "/sign-in", { credential });
    location.replace(step.dataset.home);
  }),
);

document.getElementById("recovery").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = document.getElementById("code").value;
  attempt(event.submitter, async () => {
    await ask("POST", "/sign-in/recovery", { code });
    location.replace("/enrol");
  });
});

async function attempt(button, act) {
  tell(problem, "");
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    tell(problem, inWords(error));
    button.disabled = false;
    button.focus();
  }
}

ready();
show.focus();
