/** The kiosk's own server. Every failure becomes a Problem with a stable code. */

const PATIENCE_MS = 30_000;
const CAPTURE_PATIENCE_MS = 120_000;

/** An expected failure: the server's code, the fields it names, or `network` when no answer came. */
export class Problem extends Error {
  constructor(code, { status = 0, fields = [], remainingS = 0 } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.fields = fields;
    /** How long a lock or a pause still lasts. */
    this.remainingS = remainingS;
  }
}

export const visit = (signal) => json("GET", "/api/visit", { signal });
export const touch = (signal) => json("POST", "/api/visit/touch", { signal });
export const register = (registration, signal) => json("POST", "/api/register", { body: registration, signal });
export const signInWithPassword = (proof, signal) => json("POST", "/api/sign-in/password", { body: proof, signal });
export const end = (signal) => json("POST", "/api/end", { signal });

/** How strong a new password is, with its rules one by one. */
export const passwordStrength = (candidate, signal) =>
  json("POST", "/api/password-strength", { body: candidate, signal });

/** The code on a card that is held before the face camera. */
export const scanCard = (signal) => json("POST", "/api/claims/scan", { signal });
export const stopScanning = () => json("DELETE", "/api/claims/scan", {});

/** Face checks that the server runs: how one is begun, asked about, and given up. */
export const faceSignIn = (claim) => ({
  begin: () => json("POST", "/api/sign-in/face", { body: { claim } }),
  ask: (id, signal) => json("GET", `/api/face-attempts/${id}`, { signal }),
  giveUp: (id) => json("DELETE", `/api/face-attempts/${id}`, {}),
});
export const faceEnrolment = {
  begin: () => json("POST", "/api/face-enrolments", {}),
  ask: (id, signal) => json("GET", `/api/face-enrolments/${id}`, { signal }),
  giveUp: (id) => json("DELETE", `/api/face-enrolments/${id}`, {}),
};

/** The picture that an enrolment would use, for the patient to agree to. */
export const enrolmentPicture = (id) => `/api/face-enrolments/${id}/picture`;

export const orderResetCode = (order, signal) => json("POST", "/api/password-reset/order", { body: order, signal });
export const resetPassword = (proof, signal) => json("POST", "/api/password-reset", { body: proof, signal });

export const account = (signal) => json("GET", "/api/account", { signal });
export const changeConsents = (consents, signal) => json("POST", "/api/account/consents", { body: consents, signal });
export const changePassword = (change, signal) => json("POST", "/api/account/password", { body: change, signal });
export const addFace = (enrolmentId, signal) =>
  json("POST", "/api/account/face", { body: { enrolment_id: enrolmentId }, signal });
export const deleteFace = (signal) => json("DELETE", "/api/account/face", { signal });
export const deleteAccount = (proof, signal) => json("POST", "/api/account/deletion", { body: proof, signal });

/** The signed-in patient's code as a picture. */
export const CARD_URL = "/api/card.svg";

/** The questions about a spot there, screen by screen. */
export const questions = ({ site, signal }) => json("GET", `/api/questions?body_site=${site}`, { signal });

/** Photograph a lesion; `lesionId` is null for one that is new, `answers` are by question. */
export const capture = ({ site, lesionId, answers, signal }) =>
  json("POST", "/api/capture", {
    body: { body_site: site, lesion_id: lesionId, answers },
    signal,
    patience: CAPTURE_PATIENCE_MS,
  });

/** What the dermoscope sees now, as a Blob. */
export const preview = (signal) => blob("/api/preview", signal);

/** What the face camera sees now, as in a mirror. */
export const facePreview = (signal) => blob("/api/face-preview", signal);

/** Where a picture of this visit is. */
export const imageUrl = (sha256) => `/api/images/${sha256}`;

async function json(method, path, options) {
  const answer = await request(method, path, options);
  return read(answer.text().then((text) => (text ? JSON.parse(text) : null)), options.signal);
}

async function blob(path, signal) {
  const answer = await request("GET", path, { signal });
  return read(answer.blob(), signal);
}

async function request(method, path, { body, signal, patience = PATIENCE_MS }) {
  const signals = [AbortSignal.timeout(patience), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      signal: AbortSignal.any(signals),
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    throw withdrawn(signal) ?? unreachable(error);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function read(content, signal) {
  try {
    return await content;
  } catch (error) {
    throw withdrawn(signal) ?? unreachable(error);
  }
}

async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  return new Problem(told.code ?? "internal", {
    status: answer.status,
    fields: told.fields ?? [],
    remainingS: told.remaining_s ?? 0,
  });
}

/** The screen that asked is gone: nobody waits for this answer. */
function withdrawn(signal) {
  return signal?.aborted ? new DOMException("withdrawn", "AbortError") : null;
}

function unreachable(cause) {
  return Object.assign(new Problem("network"), { cause });
}
