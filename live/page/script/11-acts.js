// What may be done here: the acts that the role of the token allows. Those that end work ask first.

const may = { control: false, drain: false };

const ASKS = {
  cancel: (what) => `Cancel ${what}? What runs of it is stopped, and no result of that is kept.`,
  drain: (what) => `Drain ${what}? It finishes what it has, takes no more jobs, and goes.`,
};

function sure(text) {
  const dialog = byId("sure");
  byId("sure-text").textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  byId("sure-no").focus();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

/** Does it: to the sweep, a job, a worker, or the jobs of some cells. */
async function act(wanted, cells = null) {
  const what = wanted.worker ? `the worker ${wanted.worker}` : wanted.job ? `job ${wanted.job.slice(0, 12)}` : `the sweep ${address.sweep}`;
  const ask = ASKS[wanted.act];
  if (ask && !(await sure(ask(what)))) return;
  const jobs = cells ? [...new Set(cells.map((at) => picture.cells[at].job))] : null;
  const all = jobs ? jobs.map((job) => ({ ...wanted, job })) : [wanted];
  let changed = 0;
  for (const one of all) {
    const answer = await fetch("/live/act", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(one) }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (!answer?.ok) { say(`Not done: ${told?.error ?? "the coordinator does not answer"}.`); return; }
    changed += told.changed;
  }
  say(`${wanted.act}: ${plural(changed, wanted.worker ? "worker" : "job")} changed.`);
  if (byId("job").open) readJob();
}

function drawActs() {
  const host = byId("acts");
  const key = `${may.control} ${picture.sweep?.paused}`;
  if (!may.control || !picture.sweep || host.dataset.key === key) return;
  host.dataset.key = key;
  const { paused } = picture.sweep;
  const offer = [paused ? ["resume", "Resume"] : ["pause", "Pause"], ["retry", "Retry failed"], ["cancel", "Cancel the sweep", "danger"]];
  host.replaceChildren(...offer.map(([name, text, tone]) => button(text, () => act({ act: name, sweep: address.sweep }), { class: tone })));
}

function watchActs() {
  byId("sure-no").addEventListener("click", () => byId("sure").close("no"));
  byId("sure-yes").addEventListener("click", () => byId("sure").close("yes"));
}
