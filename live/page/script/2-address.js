// What is shown stands in the address: every view is a link.

const address = {
  sweep: "", filter: "", groups: null, measure: "auc", phase: "train", seeds: true, zoom: null, job: "", at: null,
};

function readAddress() {
  const query = new URLSearchParams(location.search);
  const numbers = (text) => text.split(",").filter((part) => /^\d+$/.test(part)).map(Number);
  address.sweep = query.get("sweep") ?? "";
  address.filter = query.get("filter") ?? "";
  address.groups = query.has("groups") ? numbers(query.get("groups")) : null;
  address.measure = query.get("measure") ?? "auc";
  address.phase = query.get("phase") ?? "train";
  address.seeds = query.get("seeds") !== "0";
  const zoom = /^(\d+)-(\d+)$/.exec(query.get("zoom") ?? "");
  address.zoom = zoom && Number(zoom[1]) < Number(zoom[2]) ? [Number(zoom[1]), Number(zoom[2])] : null;
  address.job = query.get("job") ?? "";
  address.at = /^\d{10,15}$/.test(query.get("at") ?? "") ? Number(query.get("at")) : null;
}

/** The address of what is shown now. */
function link() {
  const query = new URLSearchParams();
  if (address.sweep) query.set("sweep", address.sweep);
  if (address.filter) query.set("filter", address.filter);
  if (address.groups) query.set("groups", address.groups.join(","));
  if (address.measure !== "auc") query.set("measure", address.measure);
  if (address.phase !== "train") query.set("phase", address.phase);
  if (!address.seeds) query.set("seeds", "0");
  if (address.zoom) query.set("zoom", address.zoom.join("-"));
  if (address.job) query.set("job", address.job);
  if (address.at) query.set("at", address.at);
  // Spelled as people do: a colon and a comma mean nothing else in a query.
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  return `/live${text ? `?${text}` : ""}${location.hash}`;
}

/** Keeps the address with what is shown; `isStep`: Back leads to what was shown before. */
function keepAddress(isStep = false) {
  const to = link();
  if (to !== location.pathname + location.search + location.hash) history[isStep ? "pushState" : "replaceState"](null, "", to);
  byId("plain").href = `/live/plain?${new URLSearchParams({ sweep: address.sweep, filter: address.filter })}`;
}

/** `column:value` words: those of one column are alternatives, columns must all hold, other words are parts of the variant. */
function filterOf(text) {
  const wanted = new Map();
  const parts = [];
  for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = word.indexOf(":");
    if (at > 0) {
      const column = word.slice(0, at) === "state" ? "status" : word.slice(0, at);
      wanted.set(column, [...(wanted.get(column) ?? []), word.slice(at + 1)]);
    } else parts.push(word);
  }
  const fits = (value, pattern) => (pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : value === pattern);
  return {
    isEmpty: wanted.size === 0 && parts.length === 0,
    takes: (cell) =>
      [...wanted].every(([column, patterns]) => patterns.some((pattern) => fits(picture.value(cell, column).toLowerCase(), pattern))) &&
      parts.every((part) => picture.value(cell, "variant").toLowerCase().includes(part)),
  };
}
