/** A camera's live view: a few small pictures a second, each let go when the next one is shown. */

const PAUSE_MS = 250;
const PAUSE_AFTER_FAILURE_MS = 1500;

/** Show what `take` gives in `image` until `signal` ends it; `seen` hears whether the last try gave a picture. */
export async function showPreview(image, { take, signal, seen, pauseMs = PAUSE_MS }) {
  let shown = null;
  const letGo = () => {
    if (shown) URL.revokeObjectURL(shown);
    shown = null;
  };
  signal.addEventListener("abort", () => {
    image.removeAttribute("src");
    letGo();
  });
  while (!signal.aborted) {
    let pause = pauseMs;
    if (!document.hidden) {
      try {
        const url = URL.createObjectURL(await take(signal));
        const last = shown;
        shown = url;
        image.src = url;
        await image.decode();
        if (last) URL.revokeObjectURL(last);
        if (!signal.aborted) seen(true);
      } catch {
        if (signal.aborted) return;
        seen(false);
        pause = PAUSE_AFTER_FAILURE_MS;
      }
    }
    await new Promise((resume) => setTimeout(resume, pause));
  }
}
