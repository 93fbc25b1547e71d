// What is to be drawn is collected and drawn once a frame, the panels one after the other.

const due = { panels: new Set(), isAsked: false };

/** Which panels some news concern. */
function draw(news, told = {}) {
  const { panels } = due;
  if (news === "all") ["head", "alarms", "claims", "grid", "failures", "queue", "results", "workers", "audit", "curves", "timeline"].forEach((panel) => panels.add(panel));
  else {
    if (news.cells || news.grid) panels.add("grid");
    if (news.curves === true) panels.add("curves");
    if (news.timeline) panels.add("timeline");
    if (news.summaries) panels.add("results");
    if (news.alarms) panels.add("alarms");
    if (news.failures) panels.add("failures");
    if (news.hours || told.read) panels.add("queue").add("claims");
  }
  if (told.sweep) ["head", "queue", "audit", "alarms"].forEach((panel) => panels.add(panel));
  if (told.workers) ["workers", "queue"].forEach((panel) => panels.add(panel));
  if (told.claims) panels.add("claims");
  const shown = new Set(picture.isThere ? shownGroupNumbers() : []);
  if (news === "all" || (Array.isArray(news.curves) && news.curves.some((at) => shown.has(at)))) askCurves();
  if (due.isAsked || panels.size === 0) return;
  due.isAsked = true;
  requestAnimationFrame(drawSome);
}

const DRAWERS = {
  head: () => { drawHead(); drawActs(); }, alarms: drawAlarms, claims: drawClaims, grid: drawGrid, curves: drawCurves,
  failures: drawFailures, queue: drawQueue, results: drawResults, workers: drawWorkers, audit: drawAudit, timeline: drawTimeline,
};

/** Milliseconds between two pictures of a panel that costs much, or that nobody reads as fast as it changes. */
const PAUSES = { results: 1500, alarms: 1000, failures: 1000, queue: 1000 };
const drawnAt = {};
/** Panels that are in the window, or nearly: others wait until they are. */
const inSight = new Set(["head", "curves"]);

function drawSome() {
  const begin = performance.now();
  for (const panel of due.panels) {
    const isFirst = !(panel in drawnAt);
    if (!isFirst && !inSight.has(panel) || begin - drawnAt[panel] < (PAUSES[panel] ?? 0)) continue;
    due.panels.delete(panel);
    drawnAt[panel] = begin;
    DRAWERS[panel]();
    // A frame has other things to do: the rest in the next one.
    if (performance.now() - begin > 8) break;
  }
  due.isAsked = [...due.panels].some((panel) => inSight.has(panel) && !(begin - drawnAt[panel] < (PAUSES[panel] ?? 0)));
  if (due.isAsked) requestAnimationFrame(drawSome);
  if (!document.body.dataset.painted && picture.isThere) document.body.dataset.painted = Math.round(performance.now());
}

function watchSight() {
  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inSight[isIntersecting ? "add" : "delete"](target.id);
    draw({});
  }, { rootMargin: "200px" });
  document.querySelectorAll("section[id]").forEach((section) => sight.observe(section));
  // What waits for its pause, or to be printed.
  setInterval(() => draw({}), 500);
  addEventListener("beforeprint", () => Object.values(DRAWERS).forEach((drawer) => drawer()));
}

function applyFilter() {
  address.filter = byId("filter").value.trim();
  picture.filter();
  const n = picture.taken === null ? "" : `${plural(picture.taken.size, "cell")} of ${picture.cells.length.toLocaleString("en")}`;
  byId("filtered").textContent = n;
  keepAddress();
  draw("all");
}

async function whenThere() {
  while (!picture.isThere) await new Promise((done) => setTimeout(done, 100));
}

async function begin() {
  document.body.append(tip);
  readAddress();
  const answer = await fetch("/live/sweeps").catch(() => null);
  if (!answer?.ok) {
    showConnection("off", answer?.status === 401 ? "sign in: load the page again" : "the coordinator does not answer; tries again");
    setTimeout(() => location.reload(), 5000);
    return;
  }
  const told = await answer.json();
  Object.assign(may, told.may);
  byId("who").textContent = told.who ? `${told.who.name} (${told.who.role})` : "";
  const names = told.sweeps.map((sweep) => sweep.name);
  if (!names.includes(address.sweep)) address.sweep = names.at(-1) ?? "";
  if (!address.sweep) {
    showConnection("on", "no sweep was submitted yet; looks again");
    setTimeout(begin, 3000);
    return;
  }
  const select = byId("sweeps");
  select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  select.value = address.sweep;
  byId("choose-sweep").hidden = names.length < 2;
  // Another sweep is another page: nothing of this one is to be left.
  select.addEventListener("change", () => { location.search = `?${new URLSearchParams({ sweep: select.value })}`; });
  byId("filter").value = address.filter;
  let typed = 0;
  byId("filter").addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(applyFilter, 150); });
  watchGrid();
  watchTime();
  watchCurves();
  watchJob();
  watchActs();
  watchVisibility();
  watchSight();
  offerCopies();
  addEventListener("popstate", () => {
    readAddress();
    byId("filter").value = address.filter;
    if (address.job) openJob(address.job); else byId("job").close();
    picture.filter();
    if (address.at !== null || picture.past) travel(address.at);
    draw("all");
  });
  darkness.addEventListener("change", () => draw("all"));
  setInterval(() => { if (!document.hidden) { draw({}, { workers: picture.workers }); askTimeline(); } }, 5000);
  setTimeout(askTimeline, 1500);
  keepAddress();
  connect();
  if (address.job) openJob(address.job);
  if (address.at) whenThere().then(() => travel(address.at));
  if (address.filter) byId("filtered").textContent = "";
}

begin();
