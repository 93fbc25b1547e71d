// Opens a report as its readers do: offline, from a file, in a browser that may have no script.
// `node report.test.mjs INDEX.HTML [PICTURES]` says what it checked and ends with 1 where something is wrong.
import { readFileSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { becomes, check, conclude } from "./check.mjs";

const [page_path, pictures] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
if (!executablePath) {
  console.log("skipped: there is no chromium here (apt-get install chromium)");
  process.exit(0);
}
if (!page_path) {
  console.error("usage: node report.test.mjs INDEX.HTML [PICTURES]");
  process.exit(2);
}
const url = pathToFileURL(resolve(page_path)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
if (pictures) mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
/** A page that keeps what it asked for and what it complained of. */
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.outside = [];
  page.complaints = [];
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) page.outside.push(request.url());
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(url);
  return page;
};
const picture = (page, name) => pictures && page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

// With script: sorting, filter, copies, downloads.
{
  const page = await open();
  await page.evaluate(() => {
    // A page of a file may not write the clipboard in a headless browser: what it would write is kept instead.
    window.copied = [];
    Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => void window.copied.push(text) } });
    document.querySelectorAll("details").forEach((details) => { details.open = true; });
  });
  const raw = page.locator("table[data-tools=filter]").first();
  const column = async (name) => {
    const heads = await raw.locator("thead th").allInnerTexts();
    return heads.findIndex((head) => head.replace(/[↕↑↓]/g, "").trim() === name);
  };
  const at = await column("AUC");
  const values = () =>
    raw.evaluate((table, at) => [...table.tBodies[0].rows].map((row) => row.cells[at]?.dataset.v).filter((v) => v !== undefined).map(Number), at);
  const head = raw.locator("thead th").nth(at);
  const before = await raw.locator("tbody tr").count();
  for (const _ of [0, 1]) {
    await head.locator("button").click();
    const direction = await head.getAttribute("aria-sort");
    const shown = await values();
    const sorted = [...shown].sort((a, b) => (direction === "ascending" ? a - b : b - a));
    check(shown.length > 1 && JSON.stringify(shown) === JSON.stringify(sorted), `sorting by AUC, ${direction}, ${shown.length} values`);
  }
  check((await raw.locator("tbody tr").count()) === before, "sorting loses no line");

  const needle = (await raw.locator("tbody tr th, tbody tr td").first().innerText()).trim();
  const filter = page.locator(".tools input[type=search]").first();
  await filter.fill(needle);
  let visible;
  await becomes(async () => {
    visible = await raw.locator("tbody tr:visible").allInnerTexts();
    return visible.length > 0 && visible.every((text) => text.toLowerCase().includes(needle.toLowerCase()));
  }, () => `filter by “${needle}”: ${visible.length} of ${before} lines`);
  await filter.fill("no line has this");
  await becomes(async () => (await raw.locator("tbody tr:visible").count()) === 0, "a filter that nothing matches shows nothing");
  await filter.fill("");
  await becomes(async () => (await raw.locator("tbody tr:visible").count()) === before, "an empty filter shows all lines again");

  const tools = page.locator(".tools", { has: page.locator("input[type=search]") }).first();
  for (const [name, mark] of [["CSV", ","], ["Markdown", "| --- |"], ["LaTeX", "\\begin{tabular}"]]) {
    await tools.getByRole("button", { name: `Copy as ${name}` }).click();
    let text;
    await becomes(async () => {
      text = await page.evaluate(() => window.copied.at(-1) ?? "");
      return text.includes(mark) && text.split("\n").length > before;
    }, () => `copy as ${name}: ${text.length} characters`);
  }
  const save = page.getByRole("button", { name: "Save SVG" }).first();
  const [download] = await Promise.all([page.waitForEvent("download"), save.click()]);
  const saved = readFileSync(await download.path(), "utf8");
  check(saved.startsWith("<svg") && download.suggestedFilename().endsWith(".svg"), `download ${download.suggestedFilename()}`);
  // The data of a figure is in the page: the file alone is whole.
  const figure = page.locator("figure[data-name]", { has: page.locator("details.data") }).first();
  const [csv] = await Promise.all([page.waitForEvent("download"), figure.getByRole("button", { name: "Save CSV" }).click()]);
  const data = readFileSync(await csv.path(), "utf8");
  check(data.startsWith("figure,sweep,variant,seed") && data.endsWith("\n"), `download ${csv.suggestedFilename()}, ${data.split("\n").length - 2} lines`);
  // A mark tells its seed to a pointer and to the keyboard.
  const marked = page.locator("figure[data-name]", { has: page.locator("[data-seed]") }).first();
  const tip = page.locator(".tip");
  if (await marked.count()) {
    await marked.locator("circle[data-seed], path[data-seed]").first().scrollIntoViewIfNeeded();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const box = await marked.locator("[data-seed]").first().boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await becomes(async () => /seed \d+ .*\d%/.test(await tip.textContent()) && (await tip.isVisible()), async () => `a pointer is told: ${await tip.textContent()}`);
    await page.mouse.move(2, 2);
    await becomes(() => tip.isHidden(), "the tooltip goes with the pointer");
    await marked.locator(".card").focus();
    await page.keyboard.press("ArrowRight");
    const first = await tip.textContent();
    await page.keyboard.press("ArrowRight");
    await becomes(async () => (await tip.isVisible()) && (await tip.textContent()) !== first, async () => `the keyboard walks from mark to mark: ${await tip.textContent()}`);
    await page.keyboard.press("Escape");
    await becomes(() => tip.isHidden(), "Escape closes the tooltip");
  }
  // A variant can be hidden and shown again, and what is saved is whole.
  const hider = page.getByRole("button", { name: /^Hide / }).first();
  if (await hider.count()) {
    const of = page.locator("figure[data-name]", { has: hider }).first();
    const seen = () => of.locator("svg g[data-variant]:visible").count();
    const all = await seen();
    await hider.focus();
    await page.keyboard.press("Enter");
    await becomes(async () => (await hider.getAttribute("aria-pressed")) === "true" && (await seen()) < all, "a variant is hidden by the keyboard");
    const [whole] = await Promise.all([page.waitForEvent("download"), of.getByRole("button", { name: "Save SVG" }).click()]);
    check(!readFileSync(await whole.path(), "utf8").includes("class="), "what is saved hides nothing");
    await hider.click();
    await becomes(async () => (await hider.getAttribute("aria-pressed")) === "false" && (await seen()) === all, "and shown again");
  }
  check(page.outside.length === 0, `no request leaves the file ${page.outside.join(" ")}`);
  check(page.complaints.length === 0, `no complaint in the console ${page.complaints.join(" | ")}`);
  await page.context().close();
}

// Light and dark, wide and narrow: nothing wider than the window, no serious finding of axe, figures on white.
for (const [name, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 390, height: 844 } }],
]) {
  // axe is put in by the debugger, which the page's own policy would refuse.
  const page = await open({ ...options, bypassCSP: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  check(serious.length === 0, `axe, ${name}: ${serious.map(({ id, nodes }) => `${id} (${nodes.length}: ${nodes[0].html.slice(0, 120)})`).join("; ") || `no serious finding, ${violations.length} others`}`);
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(wide <= room, `${name}: the page is not wider than the window (${wide} of ${room})`);
  const cut = await page.evaluate(() => [...document.querySelectorAll(".card svg")].filter((svg) => {
    const card = svg.closest(".card").getBoundingClientRect();
    return svg.getAttribute("width") !== "720" && svg.getBoundingClientRect().right > card.right + 1;
  }).length);
  check(cut === 0, `${name}: no figure of one column is cut`);
  const small = await page.evaluate(() => Math.min(...[...document.querySelectorAll(".card svg")].map((svg) =>
    11 * svg.getBoundingClientRect().width / Number(svg.getAttribute("width")))));
  check(small >= 7, `${name}: letters in figures are ${small.toFixed(1)} px at least`);
  const card = await page.locator(".card").first().evaluate((element) => getComputedStyle(element).backgroundColor);
  check(card === "rgb(255, 255, 255)", `${name}: figures lie on a white card`);
  await picture(page, name);
  await page.context().close();
}

// Without script: all content, no dead button.
{
  const page = await open({ javaScriptEnabled: false });
  check((await page.locator("section h2").count()) > 5, "without script all parts are there");
  check((await page.locator("button").count()) === 0, "without script there is no button that does nothing");
  check((await page.locator("figure svg").count()) > 0, "without script the figures are there");
  await picture(page, "without-script");
  const pdf = await page.pdf({ format: "A4", printBackground: true, path: pictures ? join(pictures, "print.pdf") : undefined });
  check(pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 20_000, `prints to PDF (${pdf.length} bytes)`);
  await page.context().close();
}
await browser.close();
conclude("the report");
