// One stream of events. A connection that breaks is made again from the last event that was heard, for as long as it takes.

const stream = { source: null, last: null, tries: 0, timer: 0, heardAt: 0, isOver: "" };

function connect() {
  clearTimeout(stream.timer);
  stream.source?.close();
  if (!address.sweep) return;
  const query = new URLSearchParams({ sweep: address.sweep });
  if (stream.last !== null) query.set("after", stream.last);
  const source = new EventSource(`/live/stream?${query}`);
  stream.source = source;
  const hear = (act) => (event) => {
    if (source !== stream.source) return;
    stream.heardAt = Date.now();
    stream.tries = 0;
    if (event.lastEventId) stream.last = event.lastEventId;
    act(JSON.parse(event.data));
  };
  source.addEventListener("open", () => { stream.heardAt = Date.now(); showConnection("on", "connected"); });
  source.addEventListener("snapshot", hear((told) => { picture.begin(told); draw("all"); showConnection("on", "live"); }));
  source.addEventListener("resumed", hear(() => showConnection("on", "live, without a gap")));
  source.addEventListener("news", hear((told) => { draw(picture.hear(told), told); showConnection("on", "live"); }));
  source.addEventListener("end", hear(({ why }) => { stream.isOver = why; lose(source); }));
  source.addEventListener("error", () => lose(source));
}

/** The connection broke: again in a while, and sooner where the browser says that there is a network. */
function lose(source) {
  if (source !== stream.source) return;
  source.close();
  stream.source = null;
  stream.tries += 1;
  const wait = Math.min(30, 2 ** Math.min(stream.tries, 5)) * (0.75 + Math.random() / 2);
  const since = stream.heardAt ? `; what is shown is of ${clock(stream.heardAt + picture.offset)}` : "";
  showConnection("off", `${stream.isOver || "not connected"}${since}; tries again`);
  stream.isOver = "";
  stream.timer = setTimeout(async () => {
    // A stream does not say why it was refused.
    const answer = await fetch("/live/sweeps").catch(() => null);
    if (answer?.status === 401) {
      showConnection("off", "the session has ended");
      say("The session has ended: load the page again to sign in.");
    }
    connect();
  }, wait * 1000);
}

function showConnection(kind, text) {
  const shown = byId("connection");
  if (shown.textContent === text) return;
  shown.className = `connection ${kind}`;
  shown.textContent = text;
}

/** A page that nobody sees hears nothing, and goes on where it stopped. */
function watchVisibility() {
  let timer = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) {
      if (!stream.source) connect();
      return;
    }
    timer = setTimeout(() => {
      clearTimeout(stream.timer);
      stream.source?.close();
      stream.source = null;
      showConnection("", "paused while nobody looks");
    }, 60_000);
  });
  addEventListener("online", () => { if (!stream.source && !document.hidden) connect(); });
}
