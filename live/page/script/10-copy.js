// Copies of panels: their numbers as CSV, their pictures as SVG.

function csv(head, rows) {
  const field = (value) => {
    const text = String(value ?? "");
    // A text that a spreadsheet would take for a formula is told as text.
    const safe = typeof value === "string" && /^[=+@\t\r-]/.test(text) && isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${[head, ...rows].map((row) => row.map(field).join(",")).join("\n")}\n`;
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers keep the clipboard from pages without TLS that are not of this machine.
    const area = element("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied: ${plural(text.length, "character")}.`);
}

const asText = (made) => new XMLSerializer().serializeToString(made);
const COPIES = {
  claims: { CSV: () => csv(CLAIM_COLUMNS.map(([title]) => title), claimRows()) },
  grid: { CSV: gridCsv, SVG: () => asText(gridSvg()) },
  curves: { CSV: curvesCsv, SVG: () => asText(curvesPicture(720, curves.told?.groups.filter((group) => group.epochs.length > 0) ?? [])) },
  failures: { CSV: () => csv(["class", "message", "jobs", "settled"], shownPart("failures").map((failure) => [failure.class, failure.message, failure.n, failure.settled])) },
  queue: { CSV: () => csv(["status", "jobs"], Object.values(NAMES).map((name, at) => [name, (picture.past ?? picture.sweep)?.counts[at] ?? 0])) },
  results: { CSV: () => csv(["variant", ...picture.columns, "n", "auc_mean", "auc_std", "auc_ci_low", "auc_ci_high"], resultRows().map(([group, summary]) => [group.variant, ...group.point.map((value) => value ?? ""), ...summary.map((value) => value ?? "")])) },
  workers: { CSV: () => csv(["worker", "state", "device", "jobs", "finished", "failed", "busy_percent", "memory_used_bytes"], picture.workers.map((worker) => [worker.name, worker.state, worker.device, worker.jobs.map(([job]) => job).join(" "), worker.finished, worker.failed, worker.busy_percent, worker.memory_used_bytes])) },
  timeline: { CSV: timelineCsv, SVG: () => asText(timelinePicture(720, lanes())) },
};

function offerCopies() {
  for (const [id, kinds] of Object.entries(COPIES)) {
    const title = byId(`${id}-title`).textContent;
    byId(id).querySelector(".copy").append(...Object.entries(kinds).map(([kind, make]) =>
      button(kind, () => copy(make(), `${title} as ${kind}`), { "aria-label": `Copy ${title} as ${kind}`, title: `copy as ${kind}` })));
  }
  byId("copy-link").addEventListener("click", () => copy(location.origin + link(), "The link"));
}
