// Who had which job when. A gap has a colour by what was before it.

const timeline = { spans: [], first: 0, anew: -1, at: 0 };

/** Asks for what may have changed: from the oldest attempt that was under way on. */
async function askTimeline() {
  if (!picture.isThere || document.hidden || Date.now() < timeline.at + 3000) return;
  timeline.at = Date.now();
  const open = timeline.spans.findIndex((span) => span.end === "open");
  const since = timeline.first + (open < 0 ? timeline.spans.length : open);
  const answer = await fetch(`/live/timeline?${new URLSearchParams({ sweep: address.sweep, since, anew: Math.max(0, timeline.anew) })}`).catch(() => null);
  if (!answer?.ok) return;
  const told = await answer.json();
  const known = told.anew === timeline.anew ? timeline.spans.slice(0, told.first - timeline.first) : [];
  if (known.length === 0) timeline.first = told.first;
  timeline.anew = told.anew;
  timeline.spans = [...known, ...told.spans];
  showTime();
  draw({ timeline: true });
}

/** The time that is known, from the first attempt to now. */
const timeRange = () => [timeline.spans.reduce((least, span) => Math.min(least, span.from), picture.now()), picture.now()];

function showTime() {
  byId("time").hidden = timeline.spans.length === 0;
  const [from, to] = timeRange();
  const slider = byId("at");
  if (document.activeElement !== slider) slider.value = address.at === null ? 1000 : Math.round((address.at - from) / Math.max(1, to - from) * 1000);
  byId("at-text").textContent = address.at === null ? "now" : new Date(address.at).toLocaleString("en-GB");
  slider.setAttribute("aria-valuetext", byId("at-text").textContent);
  byId("at-now").hidden = address.at === null;
  byId("past-note").hidden = address.at === null;
}

/** Shows the board as it was, or as it is. */
async function travel(at) {
  address.at = at;
  keepAddress();
  showTime();
  if (at === null) picture.past = null;
  else {
    const answer = await fetch(`/live/past?${new URLSearchParams({ sweep: address.sweep, at })}`).catch(() => null);
    if (!answer?.ok || address.at !== at) return;
    const told = await answer.json();
    const cells = picture.cells.map((cell) => {
      const status = told.statuses[cell.at] ?? "p";
      return { ...cell, status, auc: status === "d" ? cell.auc : null, epochs: status === "d" ? cell.epochs : 0, attempts: 0 };
    });
    picture.past = { ...told, cells };
  }
  draw("all");
}

function watchTime() {
  let timer = 0;
  byId("at").addEventListener("input", () => {
    const [from, to] = timeRange();
    const part = Number(byId("at").value) / 1000;
    clearTimeout(timer);
    timer = setTimeout(() => travel(part >= 1 ? null : Math.round(from + part * (to - from))), 120);
  });
  byId("at-now").addEventListener("click", () => { byId("at").value = 1000; travel(null); });
}

const TONES = { done: ["good", "ended with a result"], open: ["running", "under way"], failed: ["bad", "ended without one"], back: ["warn", "handed back, or lost"] };
const GAPS = { done: ["idle", "no job of this sweep"], failed: ["line", "after a failure"], back: ["muted", "after a loss or a drain"] };

function lanes() {
  const byWorker = new Map();
  for (const span of timeline.spans.filter((span) => picture.takes(span.cell))) {
    if (!byWorker.has(span.worker)) byWorker.set(span.worker, []);
    byWorker.get(span.worker).push(span);
  }
  return [...byWorker].sort(([left], [right]) => left.localeCompare(right, "en", { numeric: true }));
}

function drawTimeline() {
  const host = byId("timeline-plot");
  const all = lanes().slice(0, 200);
  if (all.length === 0) { host.replaceChildren(note("No job was begun yet.")); byId("timeline-legend").replaceChildren(); return; }
  host.replaceChildren(timelinePicture(Math.max(300, host.clientWidth - 2), all));
  byId("timeline-legend").replaceChildren(
    ...Object.values(TONES).map(([tone, text]) => swatch(colour(tone), text)),
    ...Object.values(GAPS).map(([tone, text]) => swatch(colour(tone), `gap: ${text}`)));
}

function timelinePicture(width, all) {
  const now = picture.now();
  const from = all.reduce((least, [, spans]) => Math.min(least, spans[0].from), now);
  const left = Math.min(180, width * 0.3);
  const x = (time) => left + (time - from) / Math.max(1, now - from) * (width - left - 8);
  const height = all.length * 20 + 24;
  const made = drawn("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, role: "img", "aria-label": `${plural(all.length, "worker")} since ${clock(from)}` });
  all.forEach(([worker, spans], lane) => {
    const y = lane * 20 + 3;
    made.append(drawn("text", { x: 2, y: y + 11, fill: colour("ink") }, worker.length > 24 ? `${worker.slice(0, 23)}…` : worker));
    merged(spans, x).forEach((span, at, all) => {
      const until = span.until ?? now;
      const next = all[at + 1]?.from ?? now;
      if (span.until && next > until) made.append(drawn("rect", { x: x(until), y: y + 4, width: Math.max(0, x(next) - x(until)), height: 6, fill: colour((GAPS[span.end] ?? GAPS.done)[0]) }));
      const cell = picture.cells[span.cell];
      const bar = drawn("rect", { x: x(span.from), y, width: Math.max(1, x(until) - x(span.from)), height: 14, fill: colour(TONES[span.end][0]), stroke: colour("page"), "stroke-width": 0.5 });
      if (cell) {
        bar.append(drawn("title", {}, `${picture.groups[cell.group].label}, seed ${cell.seed}: ${duration((until - span.from) / 1000)}, ${TONES[span.end][1]}${span.error ? `: ${span.error}` : ""}`));
        bar.addEventListener("click", () => openJob(cell.job));
      }
      made.append(bar);
    });
  });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const time = from + part * (now - from);
    made.append(drawn("text", { x: x(time), y: height - 4, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle", class: "muted", fill: colour("muted") }, clock(time)));
  }
  return made;
}

/** Attempts that are too short to be seen one by one are one bar. */
function merged(spans, x) {
  const shown = [];
  for (const span of spans) {
    const last = shown.at(-1);
    if (last?.until && last.end === span.end && span.until && x(span.until) - x(last.from) < 1.5) shown[shown.length - 1] = { ...last, until: span.until };
    else shown.push(span);
  }
  return shown;
}

function timelineCsv() {
  const rows = timeline.spans.map((span) => {
    const cell = picture.cells[span.cell];
    return [span.worker, cell?.job ?? "", picture.groups[cell?.group]?.label ?? "", cell?.seed ?? "", new Date(span.from).toISOString(), span.until ? new Date(span.until).toISOString() : "", span.end];
  });
  return csv(["worker", "job", "variant", "seed", "from", "until", "end"], rows);
}
