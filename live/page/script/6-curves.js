// Curves over epochs: the mean bold, its 95% interval as a band, each seed faint. What is zoomed stays zoomed.

const MEASURES = {
  auc: "AUC that is reported", auc_d: "AUC of D", auc_g: "AUC of G", loss_d: "loss of D", loss_g: "loss of G",
  share_g: "share that G calls anomalous", share_d: "share that D calls anomalous", agreement: "agreement of G and D", truth: "agreement with the truth",
};
const PHASES = { train: "training", "pretrain-generator": "pre-training of G", "pretrain-discriminator": "pre-training of D" };
const MOST_LINES = 12;
const curves = { told: null, asking: false, again: false, at: 0, scale: null };

/** The groups whose curves are shown: those of the address, or the first ones. */
function shownGroupNumbers() {
  const known = (address.groups ?? []).filter((at) => at < picture.groups.length);
  if (address.groups) return known;
  const groups = picture.shownGroups();
  const begun = groups.filter((group) => group.cells.some((cell) => cell.epochs > 0));
  return (begun.length > 0 ? begun : groups).slice(0, 6).map((group) => group.at);
}

function toggleGroup(at) {
  const shown = shownGroupNumbers();
  address.groups = shown.includes(at) ? shown.filter((other) => other !== at) : [...shown, at].slice(-MOST_LINES);
  keepAddress();
  draw({ grid: true });
  askCurves();
}

/** Asks for the curves that are shown, one answer at a time and two a second at most. */
async function askCurves() {
  if (!picture.isThere) return;
  if (curves.asking) { curves.again = true; return; }
  curves.asking = true;
  await new Promise((done) => setTimeout(done, Math.max(0, curves.at + 500 - Date.now())));
  curves.at = Date.now();
  const groups = shownGroupNumbers();
  const query = new URLSearchParams({ sweep: address.sweep, groups: groups.join(","), measure: address.measure, phase: address.phase, seeds: address.seeds ? "1" : "0", ...(address.at ? { until: address.at } : {}) });
  try {
    const answer = await fetch(`/live/curves?${query}`);
    if (answer.ok) {
      curves.told = await answer.json();
      draw({ curves: true });
    }
  } catch { /* The stream says that there is no connection. */ }
  curves.asking = false;
  if (curves.again) { curves.again = false; askCurves(); }
}

/** Round numbers within a range. */
function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const all = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) all.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return all;
}

const isLoss = () => address.measure.startsWith("loss");
function valueText(value, digits = 2) {
  return isLoss() ? Number(value.toPrecision(4)).toString() : percent(value, digits);
}

function drawCurves() {
  const host = byId("curves-plot");
  const told = (curves.told?.groups ?? []).filter((group) => group.epochs.length > 0);
  const epochs = told.flatMap((group) => group.epochs);
  byId("curves-note").textContent = picture.rehearsal && /^auc/.test(address.measure)
    ? "Of a rehearsal no AUC is shown."
    : epochs.length === 0 ? "No epoch of these has been told yet."
      : `${MEASURES[address.measure]}, ${PHASES[address.phase]}: mean over the seeds that have the epoch, with its 95% interval from three seeds on${picture.groups.some((group) => group.raw) && /^auc/.test(address.measure) ? "; the report will smooth scores, so that its numbers are others" : ""}.`;
  drawCurvesLegend(told);
  if (epochs.length === 0) { host.replaceChildren(); return; }
  host.replaceChildren(curvesPicture(host.clientWidth || 700, told));
}

function curvesPicture(width, told) {
  const height = 340;
  const room = { left: 58, right: 14, top: 10, bottom: 34 };
  const all = told.flatMap((group) => group.epochs);
  const [first, last] = [Math.min(...all), Math.max(...all)];
  const zoom = address.zoom ?? [first, last];
  let [from, to] = [Math.max(zoom[0], first), Math.min(zoom[1], last)];
  if (from >= to) [from, to] = first === last ? [first - 1, last + 1] : [first, last];
  const values = [];
  for (const group of told) {
    group.epochs.forEach((epoch, at) => {
      if (epoch < from || epoch > to) return;
      const [, mean, , low, high] = group.summaries[at];
      values.push(mean, ...(low === null ? [] : [low, high]));
      for (const [, seed] of group.seeds) if (seed[at] !== null) values.push(seed[at]);
    });
  }
  for (const { auc } of printedLines(told)) values.push(auc);
  let [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  if (!isFinite(low)) [low, high] = [0, 1];
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.02 || 0.01;
  [low, high] = [low - margin, high + margin];
  const x = (epoch) => room.left + (epoch - from) / (to - from) * (width - room.left - room.right);
  const y = (value) => height - room.bottom - (value - low) / (high - low) * (height - room.top - room.bottom);
  curves.scale = { from, to, first, last, x, y, width, height, room };

  const made = drawn("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": curvesText(told) });
  const clip = drawn("clipPath", { id: "curves-clip" }, drawn("rect", { x: room.left, y: room.top, width: width - room.left - room.right, height: height - room.top - room.bottom }));
  made.append(clip);
  for (const value of ticks(low, high, 6)) {
    made.append(drawn("line", { class: "rule", stroke: colour("line"), x1: room.left, x2: width - room.right, y1: y(value), y2: y(value) }),
      drawn("text", { x: room.left - 6, y: y(value) + 4, "text-anchor": "end", fill: colour("ink") }, valueText(value, 1)));
  }
  for (const epoch of ticks(from, to, Math.min(10, to - from)).filter(Number.isInteger)) {
    made.append(drawn("text", { x: x(epoch), y: height - room.bottom + 16, "text-anchor": "middle", fill: colour("ink") }, String(epoch)));
  }
  made.append(drawn("text", { x: (room.left + width - room.right) / 2, y: height - 3, "text-anchor": "middle", class: "muted", fill: colour("muted") }, "epoch"));
  for (const { auc, own, text } of printedLines(told)) {
    made.append(drawn("line", { stroke: own, "stroke-width": 1.4, "stroke-dasharray": "1 4", x1: room.left, x2: width - room.right, y1: y(auc), y2: y(auc) }, drawn("title", {}, text)));
  }
  const lines = drawn("g", { "clip-path": "url(#curves-clip)" });
  told.forEach((group, place) => {
    const own = lineColour(place);
    const at = (epoch, value) => `${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`;
    const banded = group.epochs.map((epoch, index) => [epoch, group.summaries[index]]).filter(([, [, , , lower]]) => lower !== null);
    if (banded.length > 1) {
      const upper = banded.map(([epoch, summary]) => at(epoch, summary[4]));
      const lower = banded.map(([epoch, summary]) => at(epoch, summary[3])).reverse();
      lines.append(drawn("path", { d: `M${[...upper, ...lower].join("L")}Z`, fill: own, "fill-opacity": 0.16, stroke: "none" }));
    }
    const seeds = group.seeds.map(([, seed]) => {
      let pen = "M";
      return group.epochs.map((epoch, index) => {
        if (seed[index] === null) { pen = "M"; return ""; }
        const point = pen + at(epoch, seed[index]);
        pen = "L";
        return point;
      }).join("");
    }).join("");
    if (seeds) lines.append(drawn("path", { d: seeds, fill: "none", stroke: own, "stroke-opacity": 0.35, "stroke-width": 0.8 }));
    const mean = group.epochs.map((epoch, index) => at(epoch, group.summaries[index][1]));
    lines.append(mean.length === 1
      ? drawn("circle", { cx: x(group.epochs[0]), cy: y(group.summaries[0][1]), r: 3.5, fill: own })
      : drawn("path", { d: `M${mean.join("L")}`, fill: "none", stroke: own, "stroke-width": 2.6, "stroke-dasharray": lineDash(place), "stroke-linejoin": "round" }));
  });
  made.append(lines);
  const cross = drawn("line", { class: "axis", stroke: colour("muted"), y1: room.top, y2: height - room.bottom, visibility: "hidden" });
  const chosen = drawn("rect", { fill: colour("accent"), "fill-opacity": 0.2, y: room.top, height: height - room.top - room.bottom, visibility: "hidden" });
  made.append(cross, chosen);
  watchPlot(made, cross, chosen, told);
  return made;
}

/** The numbers that a paper printed for the groups that are drawn: dotted, in their colour, beside the AUC that is reported. */
function printedLines(told) {
  if (address.measure !== "auc" || address.phase !== "train") return [];
  return told.map((group, place) => {
    const { printed, label } = picture.groups[group.group];
    return printed && { auc: printed.auc, own: lineColour(place), text: `${label}: ${printedText(printed)}` };
  }).filter(Boolean);
}

/** A printed number in words. */
function printedText({ auc, std, text, alike }) {
  return `published ${percent(auc)}${std === null ? "" : ` ± ${(std * 100).toFixed(2)}`} (${text}${alike ? "" : "; data or settings are not known to be the same"})`;
}

/** What a picture shows, for those who do not see it. */
function curvesText(told) {
  const parts = told.filter((group) => group.epochs.length > 0).map((group) => {
    const at = group.epochs.length - 1;
    return `${picture.groups[group.group].label}: ${valueText(group.summaries[at][1])} at epoch ${group.epochs[at]}`;
  }).concat(printedLines(told).map(({ text }) => text));
  return `${MEASURES[address.measure]} by epoch. ${parts.join("; ")}`;
}

let dragFrom = null;
function watchPlot(made, cross, chosen, told) {
  const { x, from, to } = curves.scale;
  const epochAt = (event) => {
    const { room, width } = curves.scale;
    const place = (event.clientX - made.getBoundingClientRect().left - room.left) / (width - room.left - room.right);
    return Math.round(from + Math.min(Math.max(place, 0), 1) * (to - from));
  };
  made.addEventListener("pointermove", (event) => {
    const epoch = epochAt(event);
    cross.setAttribute("x1", x(epoch));
    cross.setAttribute("x2", x(epoch));
    cross.setAttribute("visibility", "visible");
    if (dragFrom !== null) {
      const [a, b] = [x(Math.min(dragFrom, epoch)), x(Math.max(dragFrom, epoch))];
      chosen.setAttribute("x", a);
      chosen.setAttribute("width", b - a);
      chosen.setAttribute("visibility", "visible");
    }
    const lines = told.map((group) => {
      const at = group.epochs.indexOf(epoch);
      return at < 0 ? null : `${picture.groups[group.group].label}: ${valueText(group.summaries[at][1])} (n ${group.summaries[at][0]})`;
    }).filter(Boolean);
    showTip([`epoch ${epoch}`, ...lines].join("\n"), event.clientX, event.clientY);
  });
  made.addEventListener("pointerleave", () => { cross.setAttribute("visibility", "hidden"); hideTip(); });
  made.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") dragFrom = epochAt(event); });
  made.addEventListener("pointerup", (event) => {
    const [start, end] = [dragFrom, epochAt(event)];
    dragFrom = null;
    chosen.setAttribute("visibility", "hidden");
    if (start !== null && start !== end) zoomTo(Math.min(start, end), Math.max(start, end));
  });
}

function zoomTo(from, to) {
  const { first, last } = curves.scale ?? {};
  if (first === undefined) return;
  const [low, high] = [Math.max(first, from), Math.min(last, to)];
  address.zoom = low <= first && high >= last || low >= high ? null : [low, high];
  keepAddress();
  draw({ curves: true });
}

function zoomBy(factor) {
  if (!curves.scale) return;
  const { from, to } = curves.scale;
  const [middle, half] = [(from + to) / 2, Math.max(1, (to - from) / 2 * factor)];
  zoomTo(Math.round(middle - half), Math.round(middle + half));
}

function drawCurvesLegend(told) {
  const items = shownGroupNumbers().map((at, place) => {
    const group = picture.groups[at];
    const line = drawn("svg", { width: 26, height: 10, "aria-hidden": "true" }, drawn("line", { x1: 1, x2: 25, y1: 5, y2: 5, stroke: lineColour(place), "stroke-width": 3, "stroke-dasharray": lineDash(place) }));
    const more = told.find((curve) => curve.group === at)?.more;
    const printed = group.printed && address.measure === "auc" && address.phase === "train" ? `, dotted: ${printedText(group.printed)}` : "";
    return element("li", {}, line, group.label, printed, address.seeds && more ? ` (${more} seeds more)` : "", button("×", () => toggleGroup(at), { "aria-label": `Hide the curve of ${group.label}`, title: "hide" }));
  });
  byId("curves-legend").replaceChildren(...items);
  const select = byId("add-group");
  const shown = new Set(shownGroupNumbers());
  const others = picture.shownGroups().filter((group) => !shown.has(group.at)).slice(0, 500);
  const key = others.map((group) => group.at).join();
  if (select.dataset.key !== key && document.activeElement !== select) {
    select.dataset.key = key;
    select.replaceChildren(element("option", { value: "" }, "a line …"), ...others.map((group) => element("option", { value: group.at }, group.label)));
  }
  byId("add-line").hidden = others.length === 0;
}

function watchCurves() {
  const choose = (id, all, name) => {
    const select = byId(id);
    select.replaceChildren(...Object.entries(all).map(([value, text]) => element("option", { value }, text)));
    if (!(address[name] in all)) address[name] = Object.keys(all)[0];
    select.value = address[name];
    select.addEventListener("change", () => { address[name] = select.value; address.zoom = name === "phase" ? null : address.zoom; keepAddress(); askCurves(); });
  };
  choose("measure", MEASURES, "measure");
  choose("phase", PHASES, "phase");
  const seeds = byId("seeds");
  seeds.checked = address.seeds;
  seeds.addEventListener("change", () => { address.seeds = seeds.checked; keepAddress(); askCurves(); });
  byId("add-group").addEventListener("change", (event) => { if (event.target.value) toggleGroup(Number(event.target.value)); });
  byId("zoom-in").addEventListener("click", () => zoomBy(0.5));
  byId("zoom-out").addEventListener("click", () => zoomBy(2));
  byId("zoom-reset").addEventListener("click", () => { address.zoom = null; keepAddress(); draw({ curves: true }); });
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => { if (contentRect.width !== width) { width = contentRect.width; draw({ curves: true }); } }).observe(byId("curves-plot"));
}

function curvesCsv() {
  const rows = (curves.told?.groups ?? []).flatMap((group) => {
    const { variant, point } = picture.groups[group.group];
    return group.epochs.map((epoch, at) => [variant, ...point.map((value) => value ?? ""), address.measure, address.phase, epoch, ...group.summaries[at].map((value) => value ?? "")]);
  });
  return csv(["variant", ...picture.columns, "measure", "phase", "epoch", "n", "mean", "std", "low", "high"], rows);
}
