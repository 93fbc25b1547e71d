// What is known of the sweep: a snapshot, and the news that followed.

const picture = {
  isThere: false, columns: [], groups: [], cells: [], byJob: new Map(), hidden: 0, rehearsal: false,
  alarms: [], failures: [], hours: { spent: 0, left: null }, claims: null, workers: [], sweep: null, read: [0, 0],
  /** The coordinator's time minus ours, in milliseconds. */
  offset: 0,
  taken: null,
  /** The board as it was, where that is shown. */
  past: null,

  begin(told) {
    const { board } = told;
    Object.assign(picture, {
      isThere: true, columns: board.columns, hidden: board.hidden, rehearsal: board.rehearsal,
      groups: board.groups.map((group, at) => ({ ...group, at, label: labelOf(board.columns, group), cells: [] })),
      cells: board.cells.map(([group, seed, job, status, auc, epochs, attempts, worker], at) =>
        ({ at, group, seed, job, status, auc, epochs, attempts, worker })),
      alarms: board.alarms, failures: board.failures, hours: board.hours,
    });
    picture.byJob = new Map();
    for (const cell of picture.cells) {
      picture.groups[cell.group].cells.push(cell);
      if (!picture.byJob.has(cell.job)) picture.byJob.set(cell.job, cell);
    }
    picture.around(told);
    picture.filter();
  },

  hear(told) {
    const board = told.board ?? {};
    for (const [at, status, auc, epochs, attempts, worker] of board.cells ?? []) {
      // A cell that was added: a snapshot with it is on its way.
      if (!picture.cells[at]) continue;
      Object.assign(picture.cells[at], { status, auc, epochs, attempts, worker });
    }
    for (const [at, summary] of board.summaries ?? []) if (picture.groups[at]) picture.groups[at].summary = summary;
    for (const part of ["alarms", "failures", "hours"]) if (board[part]) picture[part] = board[part];
    picture.around(told);
    // What a filter takes hangs on the status too.
    if (board.cells && picture.taken) picture.filter();
    return board;
  },

  around(told) {
    for (const part of ["sweep", "workers", "read", "claims"]) if (told[part]) picture[part] = told[part];
    if (told.now) picture.offset = told.now - Date.now();
  },

  now: () => Date.now() + picture.offset,

  value(cell, column) {
    const group = picture.groups[cell.group];
    switch (column) {
      case "variant": return group.variant;
      case "seed": return String(cell.seed);
      case "status": return NAMES[cell.status];
      case "worker": return cell.worker ?? "";
      case "job": return cell.job;
      default: {
        const at = picture.columns.findIndex((name) => name.toLowerCase() === column);
        return at < 0 ? "" : group.point[at] ?? "";
      }
    }
  },

  /** Which cells are wanted; `null`: all. */
  filter() {
    const filter = filterOf(address.filter);
    picture.taken = filter.isEmpty ? null : new Set(picture.cells.filter(filter.takes).map((cell) => cell.at));
  },
  takes: (at) => picture.taken === null || picture.taken.has(at),
  shownGroups: () => picture.groups.filter((group) => picture.taken === null || group.cells.some((cell) => picture.taken.has(cell.at))),
};

function labelOf(columns, group) {
  const point = columns.map((name, at) => (group.point[at] === null ? null : `${name} ${group.point[at]}`)).filter(Boolean);
  return [group.variant, ...point].join(", ");
}

/** A cell as it is shown: as it is, or as it was. */
const seen = (cell) => picture.past?.cells[cell.at] ?? cell;
/** A part of the page as it is, or as it was. */
const shownPart = (part) => picture.past?.[part] ?? picture[part];
const summaryOf = (group) => (picture.past ? picture.past.summaries[group.at] : group.summary);

/** A cell in words. */
function cellText(now) {
  const cell = seen(now);
  const group = picture.groups[cell.group];
  const parts = [`${group.label}, seed ${cell.seed}: ${NAMES[cell.status]}`];
  if (cell.auc !== null) parts.push(`AUC ${percent(cell.auc)}${cell.status === "d" ? "" : " so far"}`);
  if (cell.status !== "p") parts.push(`epoch ${cell.epochs} of ${group.epochs}`);
  if (cell.attempts > 1) parts.push(`attempt ${cell.attempts}`);
  if (cell.worker && cell.status === "r") parts.push(`on ${cell.worker}`);
  return parts.join(", ");
}
