// The grid: a line a variant, a column a seed. Only what is in sight is drawn, so that a sweep of any size costs the same.

const grid = { lines: [], seeds: 0, size: 14, gap: 2, label: 200, head: 18, focus: null, range: null };

function layGrid() {
  const scroll = byId("grid-scroll");
  grid.lines = picture.shownGroups();
  grid.seeds = grid.lines.reduce((most, group) => Math.max(most, group.cells.length), 0);
  const room = scroll.clientWidth;
  grid.label = Math.min(280, Math.max(96, room * 0.3));
  const fitting = Math.floor((room - grid.label - 4) / Math.max(grid.seeds, 1)) - grid.gap;
  grid.size = Math.min(18, Math.max(6, fitting));
  const step = grid.size + grid.gap;
  const lineHeight = Math.max(step, 16);
  grid.lineHeight = lineHeight;
  const width = Math.max(room - 1, grid.label + grid.seeds * step + 4);
  const height = grid.head + grid.lines.length * lineHeight + 2;
  const space = byId("grid-space");
  space.style.width = `${width}px`;
  space.style.height = `${height}px`;
  const canvas = byId("grid-canvas");
  const shownHeight = Math.min(height, 480);
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(room * ratio) || canvas.height !== Math.round(shownHeight * ratio)) {
    canvas.width = Math.round(room * ratio);
    canvas.height = Math.round(shownHeight * ratio);
    canvas.style.width = `${room}px`;
    canvas.style.height = `${shownHeight}px`;
  }
  const results = picture.cells.filter((cell) => cell.status === "d" && cell.auc !== null).map((cell) => cell.auc);
  const low = results.reduce((least, auc) => Math.min(least, auc), Infinity);
  const high = results.reduce((most, auc) => Math.max(most, auc), -Infinity);
  grid.range = results.length === 0 ? null : high - low < 1e-9 ? [low - 0.005, high + 0.005] : [low, high];
}

function cellColour(now, colours) {
  const cell = seen(now);
  switch (cell.status) {
    case "d": return cell.auc === null || !grid.range ? colours.good : viridis((cell.auc - grid.range[0]) / (grid.range[1] - grid.range[0]));
    case "r": return colours.running;
    case "f": case "q": return colours.bad;
    case "c": return colours.line;
    default: return colours.soft;
  }
}

function drawGrid() {
  if (!picture.isThere) return;
  layGrid();
  paintGrid();
  drawGridLegend();
}

function paintGrid() {
  const scroll = byId("grid-scroll");
  const canvas = byId("grid-canvas");
  const context = canvas.getContext("2d");
  const ratio = devicePixelRatio || 1;
  const colours = Object.fromEntries(["page", "ink", "muted", "line", "soft", "good", "bad", "running", "accent"].map((name) => [name, colour(name)]));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const [width, height] = [canvas.width / ratio, canvas.height / ratio];
  context.fillStyle = colours.page;
  context.fillRect(0, 0, width, height);
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "middle";
  const step = grid.size + grid.gap;
  const [left, top] = [scroll.scrollLeft, scroll.scrollTop];
  const firstLine = Math.max(0, Math.floor(top / grid.lineHeight));
  const lastLine = Math.min(grid.lines.length, Math.ceil((top + height) / grid.lineHeight) + 1);
  const firstSeed = Math.max(0, Math.floor(left / step));
  const lastSeed = Math.min(grid.seeds, Math.ceil((left + width - grid.label) / step) + 1);
  const shownLines = shownGroupNumbers();
  for (let at = firstLine; at < lastLine; at += 1) {
    const group = grid.lines[at];
    const y = grid.head + at * grid.lineHeight - top;
    for (let seed = firstSeed; seed < Math.min(lastSeed, group.cells.length); seed += 1) {
      const cell = group.cells[seed];
      const x = grid.label + seed * step - left;
      context.globalAlpha = picture.takes(cell.at) ? 1 : 0.15;
      context.fillStyle = cellColour(cell, colours);
      context.fillRect(x, y, grid.size, grid.size);
      paintMark(context, cell, x, y, colours, group);
      context.globalAlpha = 1;
      if (grid.focus === cell.at) {
        context.strokeStyle = colours.ink;
        context.lineWidth = 2;
        context.strokeRect(x - 1, y - 1, grid.size + 2, grid.size + 2);
      }
    }
    // Labels lie over cells that were scrolled below them.
    context.fillStyle = colours.page;
    context.fillRect(0, y - 1, grid.label - 2, grid.lineHeight);
    const place = shownLines.indexOf(group.at);
    if (place >= 0) {
      context.fillStyle = lineColour(place);
      context.fillRect(2, y + 2, 6, grid.size - 4 > 4 ? grid.size - 4 : grid.size);
    }
    context.fillStyle = colours.ink;
    context.fillText(fitted(context, group.label, grid.label - 18), 12, y + grid.size / 2);
  }
  context.fillStyle = colours.page;
  context.fillRect(0, 0, width, grid.head - 2);
  context.fillStyle = colours.muted;
  const first = grid.lines[0];
  const every = Math.ceil(28 / step);
  for (let seed = firstSeed; first && seed < Math.min(lastSeed, first.cells.length); seed += 1) {
    if (seed % every === 0) context.fillText(String(first.cells[seed].seed), grid.label + seed * step - left, 9);
  }
  context.fillStyle = colours.page;
  context.fillRect(0, 0, grid.label - 2, grid.head - 2);
  context.fillStyle = colours.muted;
  context.fillText("seed", grid.label - 34, 9);
}

/** What a colour says is said by a shape too. */
function paintMark(context, now, x, y, colours, group) {
  const cell = seen(now);
  const size = grid.size;
  context.strokeStyle = cell.status === "p" ? colours.line : colours.page;
  context.lineWidth = Math.max(1, size / 9);
  context.beginPath();
  switch (cell.status) {
    case "p": context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1); break;
    case "r": {
      const rest = 1 - Math.min(1, cell.epochs / Math.max(1, group.epochs));
      context.fillStyle = colours.page;
      context.globalAlpha *= 0.65;
      context.fillRect(x + 1, y + 1, size - 2, (size - 2) * rest);
      break;
    }
    case "f": context.moveTo(x + 2, y + 2); context.lineTo(x + size - 2, y + size - 2); context.moveTo(x + size - 2, y + 2); context.lineTo(x + 2, y + size - 2); break;
    case "q": context.moveTo(x + size / 2, y + 2); context.lineTo(x + size / 2, y + size - 2); break;
    case "c": context.strokeStyle = colours.muted; context.moveTo(x + 2, y + size / 2); context.lineTo(x + size - 2, y + size / 2); break;
    default:
  }
  context.stroke();
}

const fittedTexts = new Map();
function fitted(context, text, room) {
  const key = `${room} ${text}`;
  let short = fittedTexts.get(key);
  if (short === undefined) {
    short = text;
    while (short.length > 1 && context.measureText(short).width > room) short = `${short.slice(0, -2)}…`;
    if (fittedTexts.size > 5000) fittedTexts.clear();
    fittedTexts.set(key, short);
  }
  return short;
}

function drawGridLegend() {
  const edge = colour("line");
  const items = [["soft", "pending"], ["running", "running (filled by epochs)"], ["bad", "failed ×, quarantined |"], ["line", "cancelled –"]]
    .map(([name, text]) => swatch(colour(name), text, edge));
  if (grid.range) {
    for (const at of [0, 0.5, 1]) items.push(swatch(viridis(at), `AUC ${percent(grid.range[0] + at * (grid.range[1] - grid.range[0]), 1)}`, edge));
  } else items.push(swatch(colour("good"), "done", edge));
  if (picture.hidden > 0) items.push(element("li", {}, `${plural(picture.hidden, "more cell")} of the sweep: a page shows no more than these`));
  byId("grid-legend").replaceChildren(...items);
}

function cellUnder(event) {
  const scroll = byId("grid-scroll");
  const box = scroll.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const group = grid.lines[Math.floor((y + scroll.scrollTop - grid.head) / grid.lineHeight)];
  if (!group || y < grid.head) return {};
  if (x < grid.label) return { group };
  return { group, cell: group.cells[Math.floor((x - grid.label + scroll.scrollLeft) / (grid.size + grid.gap))] };
}

function moveFocus(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9], PageUp: [-20, 0], PageDown: [20, 0] }[event.key];
  const cell = grid.focus === null ? null : picture.cells[grid.focus];
  if (event.key === "Enter" && cell) { openJob(cell.job); event.preventDefault(); return; }
  if (event.key.toLowerCase() === "c" && cell && !event.ctrlKey && !event.metaKey) { toggleGroup(cell.group); return; }
  if (!step || grid.lines.length === 0) return;
  event.preventDefault();
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  let line = cell ? grid.lines.findIndex((group) => group.at === cell.group) : -1;
  let seed = cell && line >= 0 ? grid.lines[line].cells.indexOf(cell) : 0;
  line = line < 0 ? 0 : clamp(line + step[0], grid.lines.length - 1);
  seed = cell ? clamp(seed + step[1], grid.lines[line].cells.length - 1) : 0;
  setFocus(grid.lines[line].cells[seed]);
  const scroll = byId("grid-scroll");
  const [x, y] = [grid.label + seed * (grid.size + grid.gap), grid.head + line * grid.lineHeight];
  if (y - scroll.scrollTop < grid.head) scroll.scrollTop = y - grid.head;
  if (y + grid.lineHeight > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = y + grid.lineHeight - scroll.clientHeight + 2;
  if (x - scroll.scrollLeft < grid.label) scroll.scrollLeft = x - grid.label;
  if (x + grid.size > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = x + grid.size - scroll.clientWidth + 4;
}

function setFocus(cell) {
  grid.focus = cell.at;
  byId("grid-cell").textContent = cellText(cell);
  paintGrid();
}

function watchGrid() {
  const scroll = byId("grid-scroll");
  let isWaiting = false;
  scroll.addEventListener("scroll", () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => { isWaiting = false; paintGrid(); });
  });
  scroll.addEventListener("mousemove", (event) => {
    const { group, cell } = cellUnder(event);
    scroll.style.cursor = group ? "pointer" : "";
    if (cell) showTip(cellText(cell), event.clientX, event.clientY);
    else if (group) showTip(`${group.label}\n${summaryText(summaryOf(group))}\nclick: show or hide its curve`, event.clientX, event.clientY);
    else hideTip();
  });
  scroll.addEventListener("mouseleave", hideTip);
  scroll.addEventListener("click", (event) => {
    const { group, cell } = cellUnder(event);
    if (cell) { setFocus(cell); openJob(cell.job); } else if (group) toggleGroup(group.at);
  });
  scroll.addEventListener("keydown", moveFocus);
  new ResizeObserver(() => draw({ grid: true })).observe(scroll);
}

const summaryText = (summary) => {
  if (!summary) return "no result yet";
  const [n, mean, std, low, high] = summary;
  return [`n ${n}, mean ${percent(mean)}`, std !== null && `std ${percent(std)}`, low !== null && `95% interval ${percent(low)} to ${percent(high)}`].filter(Boolean).join(", ");
};

function gridCsv() {
  const rows = picture.cells.filter((cell) => picture.takes(cell.at)).map((cell) => {
    const group = picture.groups[cell.group];
    return [group.variant, ...picture.columns.map((_, at) => group.point[at] ?? ""), cell.seed, cell.job, NAMES[cell.status], cell.epochs, cell.auc ?? "", cell.attempts, cell.worker ?? ""];
  });
  return csv(["variant", ...picture.columns, "seed", "job_id", "status", "epochs", "auc", "attempts", "worker"], rows);
}

function gridSvg() {
  const colours = Object.fromEntries(["good", "bad", "running", "line", "soft"].map((name) => [name, colour(name)]));
  const step = grid.size + grid.gap;
  const lines = grid.lines.map((group, at) => {
    const y = 4 + at * grid.lineHeight;
    return drawn("g", {},
      drawn("text", { x: 2, y: y + grid.size - 3, "font-size": 12, fill: "#1f1f1f" }, group.label),
      group.cells.map((cell, seed) => drawn("rect", { x: 300 + seed * step, y, width: grid.size, height: grid.size, fill: cellColour(cell, colours) },
        drawn("title", {}, cellText(cell)))));
  });
  return drawn("svg", { xmlns: "http://www.w3.org/2000/svg", width: 310 + grid.seeds * step, height: 8 + grid.lines.length * grid.lineHeight, "font-family": "sans-serif" }, lines);
}
