/** The kiosk's own server. Every failure becomes a Problem with a stable code. */

const PATIENCE_MS = 30_000;
const CAPTURE_PATIENCE_MS = 120_000;

/** An expected failure: the server's code, the fields it names, or `network` when no answer came. */
export class Problem extends Error {
  constructor(code, { status = 0, fields = [] } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

export const visit = (signal) => json("GET", "/api/visit", { signal });
export const touch = (signal) => json("POST", "/api/visit/touch", { signal });
export const register = (registration, signal) => json("POST", "/api/register", { body: registration, signal });
export const signInWithPassword = (claim, signal) => json("POST", "/api/sign-in/password", { body: claim, signal });
export const signInWithFace = (claim, signal) => json("POST", "/api/sign-in/face", { body: claim, signal });
export const end = (signal) => json("POST", "/api/end", { signal });

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
export async function preview(signal) {
  const answer = await request("GET", "/api/preview", { signal });
  return read(answer.blob(), signal);
}

/** Where a picture of this visit is. */
export const imageUrl = (sha256) => `/api/images/${sha256}`;

async function json(method, path, options) {
  const answer = await request(method, path, options);
  return read(answer.json(), options.signal);
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
  return new Problem(told.code ?? "internal", { status: answer.status, fields: told.fields ?? [] });
}

/** The screen that asked is gone: nobody waits for this answer. */
function withdrawn(signal) {
  return signal?.aborted ? new DOMException("withdrawn", "AbortError") : null;
}

function unreachable(cause) {
  return Object.assign(new Problem("network"), { cause });
}
