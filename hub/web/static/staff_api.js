// Asking the hub, and asking again with a fresh passkey where the hub wants one.

import { get, refusalInWords, supported } from "./passkey.js";

const API = "/api/v1/staff";
const STEP_UP = "urn:dermakiosk:problem:step-up-required";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ? `${body.title}: ${body.detail}. ${body.remedy ?? ""}` : "The hub could not do this. Try again.");
    this.status = status;
    this.type = body.type;
  }
}

export class Cancelled extends Error {}

export async function ask(method, path, body) {
  const answer = await fetch(API + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  if (!answer.ok) {
    throw new Problem(answer.status, await answer.json().catch(() => ({})));
  }
  return answer.status === 204 ? null : answer.json();
}

// Like `ask`, but shows the passkey dialog first if the hub wants to see the passkey.
export async function askVerified(method, path, body) {
  try {
    return await ask(method, path, body);
  } catch (error) {
    if (error.type !== STEP_UP) {
      throw error;
    }
  }
  await confirmIdentity();
  return ask(method, path, body);
}

// Words for whatever went wrong; empty if the person changed their mind.
export function inWords(error) {
  if (error instanceof Cancelled) {
    return "";
  }
  if (error instanceof TypeError) {
    return "The hub does not answer. Check the connection and try again.";
  }
  return refusalInWords(error) ?? (error instanceof Problem ? error.message : "Something went wrong. Try again.");
}

export function tell(place, words) {
  place.hidden = words === "";
  place.querySelector("span").textContent = words;
}

// One button's work on a page with a place for problems: pressed once at a time, and what fails is said there.
export async function attempt(button, act) {
  const problem = document.getElementById("problem");
  tell(problem, "");
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    tell(problem, inWords(error));
    problem.scrollIntoView({ block: "nearest" });
  } finally {
    button.disabled = false;
  }
}

export function withoutPasskeys() {
  return supported()
    ? ""
    : "This browser does not offer passkeys at this address. They need https, or http://localhost on the hub itself.";
}

// Buttons do nothing, or send a form on its own, before their script runs; until then they are disabled.
export function ready() {
  for (const button of document.querySelectorAll("[data-scripted]")) {
    button.disabled = false;
  }
}

function confirmIdentity() {
  const dialog = document.getElementById("step-up");
  const go = document.getElementById("step-up-go");
  const cancel = document.getElementById("step-up-cancel");
  const problem = document.getElementById("step-up-problem");
  tell(problem, withoutPasskeys());
  return new Promise((resolve, reject) => {
    go.onclick = async () => {
      go.disabled = true;
      try {
        const credential = await get(await ask("POST", "/step-up/options"));
        await ask("POST", "/step-up", { credential });
        dialog.close("done");
      } catch (error) {
        tell(problem, inWords(error));
      } finally {
        go.disabled = false;
      }
    };
    cancel.onclick = () => dialog.close("cancelled");
    dialog.onclose = () => (dialog.returnValue === "done" ? resolve() : reject(new Cancelled()));
    dialog.returnValue = "";
    dialog.showModal();
    go.focus();
  });
}
