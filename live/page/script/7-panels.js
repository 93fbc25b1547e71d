// The panels that are words and tables.

const cellLink = (at) => {
  const cell = picture.cells[at];
  return cell && button(`${picture.groups[cell.group].label} seed ${cell.seed}`, () => openJob(cell.job), { class: "link" });
};

/** The first ones as links, and how many more there are. */
function cellLinks(cells, n, shown = 6) {
  const links = cells.filter(picture.takes).slice(0, shown).flatMap((at, place) => [place > 0 ? ", " : "", cellLink(at)]);
  return [...links, n > Math.min(shown, cells.length) ? ` and ${n - Math.min(shown, cells.length)} more` : ""];
}

function drawHead() {
  const { sweep } = picture;
  if (!sweep) return;
  byId("sweep-name").textContent = sweep.name;
  document.title = `${sweep.counts[2]} of ${sweep.counts.reduce((sum, n) => sum + n, 0)} · ${sweep.name}`;
  byId("description").textContent = sweep.description;
  byId("rehearsal").hidden = !picture.rehearsal;
  const shown = picture.past?.counts ?? sweep.counts;
  const total = shown.reduce((sum, n) => sum + n, 0) || 1;
  const order = ["done", "running", "failed", "quarantined", "cancelled", "pending"];
  const counts = Object.fromEntries(Object.values(NAMES).map((name, at) => [name, shown[at]]));
  const progress = byId("progress");
  if (progress.children.length === 0) progress.append(...order.map((name) => element("span", { class: name })));
  order.forEach((name, at) => { progress.children[at].style.width = `${counts[name] / total * 100}%`; });
  progress.setAttribute("aria-label", order.map((name) => `${counts[name]} ${name}`).join(", "));
  byId("counts").replaceChildren(
    ...(sweep.paused ? [element("li", {}, element("b", {}, "paused"))] : []),
    ...(sweep.cancelled ? [element("li", {}, element("b", {}, "cancelled"))] : []),
    ...order.map((name) => element("li", {}, element("b", {}, counts[name].toLocaleString("en")), name)));
}

function drawAlarms() {
  const texts = {
    "not-a-number": ["NaN", "a loss or a weight became infinite or not a number"],
    "locked-in": ["Locked in", "G and D agree on more than 98% of the labels: they teach each other what they say already"],
    "below-chance": ["Below chance", "the AUC is below 50%"],
  };
  const alarms = shownPart("alarms").map(({ alarm, n, cells }) => {
    const [title, why] = texts[alarm] ?? [alarm, ""];
    return element("p", { class: "alarm" }, element("b", {}, `${title}: ${plural(n, "job")}`), ` — ${why}. `, cellLinks(cells, n));
  });
  const lost = picture.sweep?.discrepancies ?? 0;
  if (lost > 0 && !picture.past) alarms.push(element("p", { class: "alarm" }, element("b", {}, `Not reproduced: ${plural(lost, "record")}`), " — records of one job differ though they must not; see the audit."));
  byId("alarms").hidden = alarms.length === 0;
  byId("alarms").querySelector(".body").replaceChildren(...alarms);
}

/** The claims of a sweep that decides while seeds arrive, as the coordinator tells them. */
const claims = () => picture.claims?.claims ?? [];
const points = (value) => (value === null || value === undefined ? "" : (value * 100).toFixed(2));
const power = (log) => (log > 14 ? `10^${Math.round(log / Math.LN10)}` : Number(Math.exp(log).toPrecision(3)).toString());

/** A claim in words. */
function claimText({ left, right, place = [] }) {
  const where = place.length > 0 ? ` where ${place.map(([name, value]) => `${name} = ${value}`).join(", ")}` : "";
  return `${left} > ${right}${where}`;
}

/** Claims after the looks until then. Differences and intervals are of now alone. */
function claimRowsThen() {
  return claims().map(({ claim }, at) => {
    const then = picture.past.claims[at];
    return [claimText(claim), then?.verdict ?? "undecided", then?.seeds ?? 0, "", "", then ? power(then.log_e) : "", "", then?.decided_after ? `decided after ${then.decided_after}` : "", ""];
  });
}

function claimRows() {
  if (picture.past) return claimRowsThen();
  const left = {
    open: ({ needed }) => (needed === null ? "seeds are awaited" : `needs about ${plural(needed, "more seed")}`),
    decided: ({ decided_after }) => `decided after ${decided_after}`,
    "at-max": () => "has the most seeds that it may have",
    lost: ({ lost_seed }) => `seed number ${lost_seed + 1} has no result`,
    stopped: () => "no more seeds are added",
  };
  return claims().map((claim) => {
    return [
      claimText(claim.claim), claim.verdict, claim.seeds, points(claim.difference),
      claim.interval ? `${points(claim.interval.low)} to ${points(claim.interval.high)}` : "",
      `${power(claim.log_e)} of ${power(claim.log_bound)}`, Number(claim.p_adjusted.toPrecision(3)), left[claim.state]?.(claim) ?? claim.state,
      claim.state === "open" && picture.hours.mean !== null ? `about ${duration(2 * picture.hours.mean)}` : "",
    ];
  });
}
const CLAIM_COLUMNS = [["claim"], ["verdict"], ["seeds", "n"], ["difference (points)", "n"], ["interval", "n"], ["e-value, of its bound"], ["p, adjusted", "n"], ["seeds to go"], ["next seed costs", "n"]];

function drawClaims() {
  byId("claims").hidden = claims().length === 0;
  if (claims().length === 0) return;
  const rows = claimRows();
  // How far the evidence is on its way to the bound, on a scale of logarithms.
  claims().forEach((claim, at) => {
    const log = picture.past ? picture.past.claims[at]?.log_e ?? 0 : claim.log_e;
    rows[at][5] = element("span", {}, bar(Math.min(1, Math.max(0, log / claim.log_bound))), rows[at][5]);
  });
  const { alpha, margin } = picture.claims.settings;
  byId("claims").querySelector(".body").replaceChildren(table(
    `Decided while seeds arrive; any false verdict has a probability of at most ${percent(alpha, 0)}, differences within ${points(margin)} points are equal. A difference and its interval are to plan with.`,
    CLAIM_COLUMNS, rows));
}

/** Queues the settled ones among the cells that are named; of more than fifty the rest comes with the next press. */
function retryButton(failure) {
  const cells = picture.past ? [] : failure.cells.filter((at) => "fq".includes(picture.cells[at]?.status));
  return cells.length > 0 && may.control ? button(`Retry ${cells.length}`, () => act({ act: "retry" }, cells)) : "";
}

function drawFailures() {
  const body = byId("failures").querySelector(".body");
  const shown = shownPart("failures").filter((failure) => picture.taken === null || failure.cells.some(picture.takes));
  if (shown.length === 0) { body.replaceChildren(note("No attempt failed that is not over by now.")); return; }
  const rows = shown.map((failure) => [
    failure.class,
    failure.message.length > 300 ? element("details", {}, element("summary", {}, `${failure.message.slice(0, 200)}…`), failure.message) : failure.message,
    failure.n, failure.settled === 0 ? "all are tried again" : failure.settled < failure.n ? `${failure.settled} for good` : "for good",
    element("span", {}, cellLinks(failure.cells, failure.n)),
    retryButton(failure),
  ]);
  body.replaceChildren(table("Jobs by their last failure", [["class"], ["message", "long"], ["jobs", "n"], ["tried again"], ["which", "long"], ["act"]], rows));
}

function drawQueue() {
  const { sweep, read } = picture;
  if (!sweep) return;
  const hours = shownPart("hours");
  if (picture.past) {
    const [pending, running] = picture.past.counts;
    byId("queue").querySelector(".body").replaceChildren(facts([
      ["waiting", plural(pending, "job")], ["running", plural(running, "job")],
      ["device hours spent", `${(hours.spent / 3600).toFixed(2)} h`],
      ["device hours left", hours.left === null ? "not known before the first result" : `about ${(hours.left / 3600).toFixed(2)} h`],
    ]));
    return;
  }
  const [pending, running] = sweep.counts;
  const slots = picture.workers.filter((worker) => worker.state === "active").reduce((sum, worker) => sum + worker.slots, 0);
  const told = [
    ["waiting", plural(pending, "job")],
    ["running", `${plural(running, "job")} on ${plural(picture.workers.filter((worker) => worker.jobs.length > 0).length, "worker")}`],
    ["device hours spent", `${(hours.spent / 3600).toFixed(2)} h${read[0] < read[1] ? `, of ${read[0]} records read so far` : ""}`],
    ["lost in attempts without a result", `${(sweep.lost_seconds / 3600).toFixed(2)} h`],
    ["device hours left", hours.left === null ? "not known before the first result" : `about ${(hours.left / 3600).toFixed(2)} h`],
    ["time left", hours.left === null || pending + running === 0 ? "" : slots > 0 ? `about ${duration(hours.left / slots)} on ${plural(slots, "slot")}` : "no worker is active"],
    ["submitted", new Date(sweep.submitted_at).toLocaleString("en-GB")],
  ].filter(([, text]) => text);
  byId("queue").querySelector(".body").replaceChildren(facts(told));
}

const resultRows = () => picture.shownGroups().map((group) => [group, summaryOf(group)]).filter(([, summary]) => summary);
function drawResults() {
  const body = byId("results").querySelector(".body");
  const rows = resultRows();
  if (rows.length === 0) { body.replaceChildren(note(picture.rehearsal ? "Of a rehearsal no AUC is shown." : "No job has finished yet.")); return; }
  const shown = [...rows].sort(([, left], [, right]) => right[1] - left[1]).slice(0, 200);
  body.replaceChildren(table(`Final AUC of finished seeds, the highest mean first${rows.length > shown.length ? ` (${shown.length} of ${rows.length})` : ""}`,
    [["variant"], ["n", "n"], ["mean", "n"], ["std", "n"], ["95% interval", "n"]],
    shown.map(([group, [n, mean, std, low, high]]) => [group.label, n, percent(mean), percent(std), low === null ? "" : `${percent(low)} to ${percent(high)}`])));
}

/** A job of a worker as a link, and for how long it had it. */
function workerJobs(jobs, now) {
  return element("span", {}, jobs.flatMap(([job, since], at) => {
    const cell = picture.byJob.get(job);
    const text = cell ? `${picture.groups[cell.group].label} seed ${cell.seed}` : `${job} (another sweep)`;
    return [at > 0 ? "; " : "", button(text, () => openJob(job), { class: "link" }), ` for ${duration((now - since) / 1000)}`];
  }));
}

/** Workers as they were, as far as jobs of this sweep tell. */
function drawWorkersThen(body) {
  const { workers } = picture.past;
  if (workers.length === 0) { body.replaceChildren(note("No worker had begun a job of this sweep.")); return; }
  const rows = workers.slice(0, 500).map(({ name, jobs, finished, failed }) => [
    name, workerJobs(jobs.map(([cell, since]) => [picture.cells[cell]?.job, since]), address.at), `${finished}${failed ? `, ${failed} failed` : ""}`,
  ]);
  body.replaceChildren(table("Workers that had begun jobs of this sweep by then", [["worker"], ["job, since when"], ["finished", "n"]], rows));
}

function drawWorkers() {
  const body = byId("workers").querySelector(".body");
  if (picture.past) { drawWorkersThen(body); return; }
  const workers = picture.workers.filter((worker) => worker.state !== "gone");
  if (workers.length === 0) { body.replaceChildren(note("No worker is there: jobs wait.")); return; }
  const now = picture.now();
  const rows = workers.slice(0, 500).map((worker) => [
    worker.name,
    worker.state,
    workerJobs(worker.jobs, now),
    worker.busy_percent === null ? "" : element("span", {}, bar(worker.busy_percent / 100), `${worker.busy_percent}%`),
    worker.memory_used_bytes === null ? "" : `${bytes(worker.memory_used_bytes)}${worker.memory_bytes ? ` of ${bytes(worker.memory_bytes)}` : ""}`,
    `${worker.finished}${worker.failed ? `, ${worker.failed} failed` : ""}`,
    worker.device,
    element("span", {}, worker.warnings.join("; "), may.drain && worker.state === "active" ? button("Drain", () => act({ act: "drain", worker: worker.name })) : ""),
  ]);
  const more = workers.length > 500 ? ` (500 of ${workers.length})` : "";
  const focused = body.contains(document.activeElement);
  // Under a keyboard or a pointer nothing is replaced.
  if (focused && document.activeElement !== body) return;
  body.replaceChildren(table(`Workers that are there${more}`, [["worker"], ["state"], ["job, since when"], ["busy"], ["memory"], ["finished", "n"], ["device"], ["to know"]], rows));
}

function drawAudit() {
  const audit = picture.sweep?.audit;
  if (!audit) return;
  const body = byId("audit").querySelector(".body");
  if (!audit.sentence) { body.replaceChildren(note("No finished job of this sweep was run again and compared yet.")); return; }
  const parts = [["equal", "good"], ["within", "idle"], ["different", "bad"], ["failed", "muted"], ["waiting", "line"]];
  const total = parts.reduce((sum, [name]) => sum + audit[name], 0) || 1;
  let x = 0;
  const strip = drawn("svg", { width: "100%", height: 14, role: "img", "aria-label": audit.sentence });
  for (const [name, tone] of parts) {
    strip.append(drawn("rect", { x: `${x}%`, width: `${audit[name] / total * 100}%`, height: 14, fill: colour(tone) }));
    x += audit[name] / total * 100;
  }
  body.replaceChildren(element("p", {}, audit.sentence), strip);
}
