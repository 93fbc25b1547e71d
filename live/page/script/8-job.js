// One job: its curve, its log, why it is where it is, its attempts, the command.

async function openJob(job) {
  if (!job) return;
  address.job = job;
  keepAddress(!byId("job").open);
  if (!byId("job").open) byId("job").showModal();
  await readJob();
}

async function readJob() {
  const { job } = address;
  const answer = await fetch(`/live/job?${new URLSearchParams({ sweep: address.sweep, job })}`).catch(() => null);
  if (job !== address.job || !byId("job").open) return;
  const told = await answer?.json().catch(() => null);
  const body = byId("job").querySelector(".body");
  if (!answer?.ok) { body.replaceChildren(element("p", { class: "warn" }, told?.error ?? "The coordinator does not answer.")); return; }
  drawJob(told, body);
}

function drawJob(told, body) {
  const cell = picture.byJob.get(told.job.slice(0, 12));
  byId("job-title").textContent = cell ? `${picture.groups[cell.group].label}, seed ${cell.seed}` : `Job ${told.job.slice(0, 12)}`;
  const now = picture.now();
  const known = [
    ["job", element("code", {}, told.job)],
    ["status", `${told.status}${told.paused ? ", on hold" : ""}, ${plural(told.attempts, "attempt")}`],
    ["worker", told.lease && `${told.lease.worker}, for ${duration((now - told.lease.since) / 1000)}`],
    ["finished by", told.record && `${told.record.worker} (${told.record.device}) in ${duration(told.record.seconds)}${told.record.resumed ? `, resumed ${plural(told.record.resumed, "time")}` : ""}`],
    ["AUC", told.record && !picture.rehearsal && [told.record.auc_d !== null && `D ${percent(told.record.auc_d)}`, told.record.auc_g !== null && `G ${percent(told.record.auc_g)}`].filter(Boolean).join(", ")],
    ["data set", told.dataset],
    ["warnings", told.record?.warnings.map((warning) => `${warning.code}: ${warning.message}`).join("; ")],
  ].filter(([, value]) => value);
  const reasons = told.reasons.map((reason) => element("li", {}, reason));
  const attempts = told.failures.map((failure) => [`${failure.attempt}`, failure.worker, failure.failure.class, failure.failure.message, new Date(failure.at).toLocaleString("en-GB")]);
  const log = element("pre", { tabindex: 0, "aria-label": "the end of the log" }, told.log.map((line) => `${clock(line.at)} ${line.text}`).join("\n") || "No line was logged.");
  const acts = element("div", { class: "tools" });
  if (may.control) {
    const offer = { pending: ["pause", "resume", "cancel"], running: ["pause", "cancel"], failed: ["retry"], quarantined: ["retry", "cancel"], cancelled: ["retry"] }[told.status] ?? [];
    acts.append(...offer.filter((name) => name !== (told.paused ? "pause" : "resume")).map((name) => button(name[0].toUpperCase() + name.slice(1), () => act({ act: name, job: told.job }))));
  }
  const command = `gcl-sweep explain ${told.job.slice(0, 12)}`;
  const only = cell && `gcl-sweep run SWEEP --only variant=${picture.groups[cell.group].variant}${picture.columns.map((name, at) => (picture.groups[cell.group].point[at] === null ? "" : `,${name}=${picture.groups[cell.group].point[at]}`)).join("")},seed=${cell.seed}`;
  body.replaceChildren(
    acts,
    facts(known),
    element("h3", {}, "Why it is where it is"), element("ul", {}, reasons),
    element("h3", {}, "Curve"), jobPicture(told.curve),
    attempts.length > 0 ? element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Attempts that failed" }, table("Attempts that failed", [["attempt"], ["worker"], ["class"], ["message", "long"], ["when"]], attempts)) : "",
    element("h3", {}, "Log"), log,
    element("h3", {}, "Commands"), element("pre", { tabindex: 0, "aria-label": "commands" }, [command, `gcl-sweep logs ${told.job.slice(0, 12)}`, only].filter(Boolean).join("\n")),
    element("details", {}, element("summary", {}, "Settings"), facts(told.parameters)));
}

/** All numbers of one job, each on its own scale. */
function jobPicture(curve) {
  const names = [["auc_d", "AUC of D"], ["auc_g", "AUC of G"], ["loss_d", "loss of D"], ["loss_g", "loss of G"], ["positive_share_g", "share of G"], ["positive_share_d", "share of D"], ["agreement_gd", "agreement"], ["agreement_truth", "truth"]]
    .filter(([name]) => !(picture.rehearsal && name.startsWith("auc")));
  const plots = names.map(([name, title]) => {
    const values = curve.map((point) => point[name]).filter((value) => value !== null && value !== undefined);
    if (values.length === 0) return null;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const y = (value) => 44 - (high > low ? (value - low) / (high - low) : 0.5) * 36;
    const path = values.map((value, at) => `${(4 + at / Math.max(1, values.length - 1) * 152).toFixed(1)} ${y(value).toFixed(1)}`);
    const text = (value) => (name.startsWith("loss") ? Number(value.toPrecision(3)) : percent(value, 1));
    return element("li", {}, drawn("svg", { width: 160, height: 50, role: "img", "aria-label": `${title}: from ${text(values[0])} to ${text(values.at(-1))}` },
      values.length === 1 ? drawn("circle", { cx: 80, cy: y(values[0]), r: 3, fill: colour("accent") }) : drawn("path", { d: `M${path.join("L")}`, fill: "none", stroke: colour("accent"), "stroke-width": 2 })),
    element("span", {}, `${title}: ${text(values.at(-1))}`));
  }).filter(Boolean);
  return plots.length > 0 ? element("ul", { class: "legend" }, plots) : note("No epoch was told yet.");
}

function watchJob() {
  const dialog = byId("job");
  byId("job-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { address.job = ""; keepAddress(true); });
}
