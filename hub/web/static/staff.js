// All accounts: inviting, changing roles, unlocking, resetting, shutting.

import { askVerified, attempt, ready } from "./staff_api.js";

const invitation = document.getElementById("invitation");
const link = document.getElementById("invitation-link");
const said = document.getElementById("said");

document.getElementById("add-member").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("full-name").value;
  const member = {
    full_name: name,
    username: document.getElementById("username").value,
    role: document.getElementById("role").value,
  };
  const form = event.target;
  attempt(event.submitter, async () => {
    showInvitation(name, await askVerified("POST", "/members", member));
    form.reset();
  });
});

for (const button of document.querySelectorAll("[data-act]")) {
  const { id, name } = button.closest(".member").dataset;
  button.addEventListener("click", () => attempt(button, () => ACTS[button.dataset.act](id, name)));
}

document.getElementById("copy-invitation").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(link.textContent);
    said.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(link);
    said.textContent = "Selected; copy it with the keyboard";
  }
});

const ACTS = {
  role: (id) => thenReload("POST", `/members/${id}/role`, { role: document.getElementById(`role-${id}`).value }),
  unlock: (id) => thenReload("POST", `/members/${id}/unlock`),
  sessions: (id) => thenReload("DELETE", `/members/${id}/sessions`),
  enable: (id) => thenReload("POST", `/members/${id}/enable`),
  disable: (id) => thenReload("POST", `/members/${id}/disable`),
  reset: async (id, name) => showInvitation(name, await askVerified("POST", `/members/${id}/reset`)),
};

async function thenReload(method, path, body) {
  await askVerified(method, path, body);
  location.reload();
}

function showInvitation(name, told) {
  document.getElementById("invited").textContent = name;
  const hours = Math.floor(told.expires_in_s / 3600);
  document.getElementById("invitation-hours").textContent =
    hours >= 2 ? `${hours} hours` : `${Math.ceil(told.expires_in_s / 60)} minutes`;
  link.textContent = told.link;
  said.textContent = "";
  invitation.hidden = false;
  invitation.scrollIntoView({ block: "nearest" });
  invitation.querySelector("h2").focus();
}

ready();
