// Keeps an open results page current: new cards, pictures that arrive later, and the state of the connection.
// Everything that is shown comes from the hub as HTML; the events name only what to fetch.

const RETRY_MS = 5000;
const MOST_AT_ONCE = 8;
const MOST_CARDS = 120;

const list = document.getElementById("results");
const live = document.getElementById("live");
const news = document.getElementById("news");
const newsWords = document.getElementById("news-words");
const said = document.getElementById("said");
const title = document.title;

const onFirstPage = list.dataset.first === "yes";
const tierWanted = list.dataset.tier;
const held = [];
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
// One thing at a time, in the order in which the hub told of it.
let work = Promise.resolve();
let failures = 0;

document.documentElement.classList.add("script");
prepare(list);
connect();

list.addEventListener("input", (event) => {
  const card = event.target.closest(".card");
  if (event.target.matches(".heat-switch")) {
    blend(card, event.target.checked ? 100 : 0);
  } else if (event.target.matches(".blend input")) {
    blend(card, Number(event.target.value));
  }
});

news.addEventListener("click", () => {
  if (!onFirstPage) {
    location.assign(tierWanted ? `/?tier=${tierWanted}` : "/");
    return;
  }
  const ids = held.splice(0);
  showNews();
  scrollTo({ top: 0 });
  enqueue(async () => {
    await (ids.length > MOST_AT_ONCE ? refresh() : insertAll(ids));
    list.querySelector(".card")?.focus({ preventScroll: true });
  });
});

function connect() {
  setState("connecting", "Connecting…");
  const source = new EventSource("/events");
  source.addEventListener("hello", (event) => {
    failures = 0;
    setState("live", "Live");
    const { newest } = JSON.parse(event.data);
    if ((newest ?? "") !== list.dataset.newest) {
      enqueue(refresh);
    }
  });
  source.addEventListener("analysis", (event) => {
    const { analysis_id: id, tier } = JSON.parse(event.data);
    list.dataset.newest = id;
    if (tierWanted === "" || tierWanted === tier) {
      enqueue(() => arrived(id));
    }
  });
  source.addEventListener("image", (event) => {
    const { sha256 } = JSON.parse(event.data);
    enqueue(() => imageArrived(sha256));
  });
  source.addEventListener("missed", () => enqueue(refresh));
  source.addEventListener("error", () => {
    setState("lost", "Connection lost. Trying again…");
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(reconnect, failures > 0 ? RETRY_MS : 0);
      failures += 1;
    }
  });
}

async function reconnect() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.status === 401) {
      location.reload();
      return;
    }
  } catch {
    // The hub is away; the next attempt tells.
  }
  connect();
}

function enqueue(task) {
  work = work.then(task).catch(() => setState("lost", "Could not load the newest results. Reload the page."));
}

async function arrived(id) {
  const readingBelow = scrollY > 80 || !onFirstPage;
  const using = list.contains(document.activeElement) && document.activeElement !== document.body;
  if (readingBelow || using || held.length > 0 || document.hidden) {
    if (!held.includes(id)) {
      held.push(id);
    }
    showNews();
    return;
  }
  await insertAll([id]);
}

async function insertAll(ids) {
  for (const id of ids) {
    if (document.getElementById(`result-${id}`)) {
      continue;
    }
    const card = await fetchCard(id);
    if (card === null) {
      continue;
    }
    card.classList.add("fresh");
    list.prepend(card);
    document.getElementById("empty").hidden = true;
    say(`New result: ${card.querySelector(".tier").textContent.trim()}`);
  }
  if (list.childElementCount > MOST_CARDS) {
    await refresh();
  }
}

async function imageArrived(sha256) {
  for (const card of list.querySelectorAll(`[data-waits-for~="${CSS.escape(sha256)}"]`)) {
    const fresh = await fetchCard(card.dataset.id);
    if (fresh !== null) {
      const hadFocus = card.contains(document.activeElement);
      fresh.querySelector("details").open = card.querySelector("details").open;
      card.replaceWith(fresh);
      if (hadFocus) {
        fresh.focus({ preventScroll: true });
      }
    }
  }
}

async function fetchCard(id) {
  const answer = await fetch(`/results/${encodeURIComponent(id)}/card`, { cache: "no-store" });
  if (answer.status === 404) {
    return null;
  }
  return prepare(parse(await text(answer)).querySelector(".card"));
}

// The whole list anew, for when single events were missed.
async function refresh() {
  const fresh = parse(await text(await fetch(location.href, { cache: "no-store" })));
  const replacement = fresh.getElementById("results");
  list.dataset.newest = replacement.dataset.newest;
  list.replaceChildren(...prepare(replacement).children);
  for (const id of ["empty", "paging"]) {
    document.getElementById(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
  }
  held.length = 0;
  showNews();
}

async function text(answer) {
  if (answer.status === 401) {
    location.reload();
  }
  if (!answer.ok) {
    throw new Error(`the hub answered ${answer.status}`);
  }
  return answer.text();
}

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// Moments in the reader's own time zone; the hub writes UTC.
function prepare(part) {
  for (const time of part.querySelectorAll("time")) {
    time.textContent = moments.format(new Date(time.dateTime));
  }
  return part;
}

function blend(card, percent) {
  const slider = card.querySelector(".blend input");
  card.querySelector(".heat-switch").checked = percent > 0;
  card.style.setProperty("--blend", String(percent / 100));
  slider.value = String(percent);
  slider.setAttribute("aria-valuetext", percent > 0 ? `${percent} % heat map` : "Picture only");
}

function showNews() {
  const count = held.length;
  const words = count === 1 ? "1 new result" : `${count} new results`;
  news.hidden = count === 0;
  newsWords.textContent = `${words}. Show`;
  document.title = count > 0 ? `(${count}) ${title}` : title;
  if (count > 0) {
    say(words);
  }
}

function say(words) {
  said.textContent = words;
}

function setState(state, words) {
  live.dataset.state = state;
  live.querySelector(".live-words").textContent = words;
}

// A page that was hidden has held its news back; whoever returns to its top sees them at once.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && onFirstPage && scrollY <= 80 && held.length > 0 && held.length <= MOST_AT_ONCE) {
    const ids = held.splice(0);
    showNews();
    enqueue(() => insertAll(ids));
  }
});
