// The live page of a sweep. No library, no build step: the coordinator joins the files of this folder in their order.
// Numbers over seeds come from the coordinator; here they are shown.

const NAMES = { p: "pending", r: "running", d: "done", f: "failed", q: "quarantined", c: "cancelled" };
const byId = (id) => document.getElementById(id);

/** An element with attributes and children; texts stay texts. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

/** The same of a picture. */
function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(made, attributes, children);
  return made;
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
}

function button(text, act, attributes = {}) {
  return element("button", { type: "button", onclick: act, ...attributes }, text);
}

/** A note where there is nothing else to show. */
const note = (text) => element("p", { class: "note" }, text);

/** Names and what they are told. */
const facts = (pairs) => element("dl", {}, pairs.flatMap(([name, told]) => [element("dt", {}, name), element("dd", {}, told)]));

/** A part of a whole, between 0 and 1, as a bar beside its words. */
function bar(part) {
  const made = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
  made.firstChild.style.width = `${part * 100}%`;
  return made;
}

/** A line of a legend: what a colour means. `stroke`: its edge. */
const swatch = (fillColour, text, stroke) => element("li", {},
  drawn("svg", { width: 14, height: 14, "aria-hidden": "true" }, drawn("rect", { width: 14, height: 14, fill: fillColour, stroke })), text);

/** A table. Columns: [title, "n" of numbers or "long" of texts]. */
function table(caption, columns, rows) {
  const head = columns.map(([title, kind]) => element("th", { scope: "col", class: kind }, title));
  const lines = rows.map((row) => element("tr", {}, row.map((value, at) =>
    element(at === 0 ? "th" : "td", { scope: at === 0 && "row", class: columns[at][1] }, value ?? ""))));
  return element("table", {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, lines));
}

const percent = (value, digits = 2) => (value === null || value === undefined ? "" : `${(value * 100).toFixed(digits)}%`);
const plural = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

function duration(seconds) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} d`;
}

const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");
const bytes = (n) => (n >= 2 ** 30 ? `${(n / 2 ** 30).toFixed(1)} GiB` : `${Math.round(n / 2 ** 20)} MiB`);

/** A colour of the page's style, as it is now: dark or light. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Colours that eight lines are told apart by, for people who see few colours too (after Okabe and Ito), on light and on dark. */
const darkness = matchMedia("(prefers-color-scheme: dark)");
const LINES = [["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a58500", "#56b4e9", "#8a4b08", "#777777"], ["#6cb8f0", "#ff9248", "#3fd1a5", "#eaa6cf", "#e8cf5a", "#a9c1ff", "#d59a6b", "#b4b4b4"]];
const lineColour = (at) => LINES[darkness.matches ? 1 : 0][at % 8];
const lineDash = (at) => ["", "6 3", "2 3"][Math.floor(at / 8) % 3];

/** Viridis at a place between 0 and 1. */
function viridis(at) {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const place = Math.min(Math.max(at, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const mixed = stops[low].map((from, channel) => Math.round(from + (stops[low + 1][channel] - from) * (place - low)));
  return `rgb(${mixed.join(" ")})`;
}

/** Says something to whoever looks, and to whoever listens. */
function say(text) {
  const said = byId("said");
  said.textContent = text;
  said.hidden = !text;
}

/** What is under the pointer, in words. */
const tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(x + 12, innerWidth - box.width - 4)}px`;
  tip.style.top = `${Math.min(y + 12, innerHeight - box.height - 4)}px`;
}
const hideTip = () => { tip.hidden = true; };
