// One's account: passkeys, recovery codes, sessions, tokens for programs.

import { create } from "./passkey.js";
import { showCodes } from "./recovery_codes.js";
import { ask, askVerified, attempt, ready } from "./staff_api.js";

document.getElementById("add-passkey").addEventListener("submit", (event) => {
  event.preventDefault();
  const label = document.getElementById("label").value;
  attempt(event.submitter, async () => {
    const credential = await create(await askVerified("POST", "/me/passkeys/options"));
    await askVerified("POST", "/me/passkeys", { credential, label });
    location.reload();
  });
});

document.getElementById("new-codes").addEventListener("click", (event) =>
  attempt(event.currentTarget, async () => {
    const { recovery_codes: codes } = await askVerified("POST", "/me/recovery-codes");
    await showCodes(codes);
    location.reload();
  }),
);

document.getElementById("new-token").addEventListener("submit", (event) => {
  event.preventDefault();
  const label = document.getElementById("program").value;
  attempt(event.submitter, async () => {
    const tokens = await askVerified("POST", "/me/tokens", { label });
    document.getElementById("refresh-token").textContent = tokens.refresh_token;
    document.getElementById("access-token").textContent = tokens.access_token;
    document.getElementById("token").hidden = false;
    document.getElementById("said").textContent = "The token is shown below the name of the program.";
  });
});

for (const button of document.querySelectorAll("[data-end-session]")) {
  button.addEventListener("click", () =>
    attempt(button, async () => {
      await ask("DELETE", `/me/sessions/${button.dataset.endSession}`);
      location.reload();
    }),
  );
}

for (const button of document.querySelectorAll("[data-remove-passkey]")) {
  button.addEventListener("click", () =>
    attempt(button, async () => {
      await askVerified("DELETE", `/me/passkeys/${button.dataset.removePasskey}`);
      location.reload();
    }),
  );
}

ready();
