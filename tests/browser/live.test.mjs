// Opens the live page of a sweep that is under way, as somebody does who leaves it open: signs in, looks, acts, loses the network.
// `node live.test.mjs ADDRESS TOKEN [PICTURES]`, with the address that `busy_sweep` prints; ends with 1 where something is wrong.
import { readFileSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { becomes, check, conclude } from "./check.mjs";

const [given, token, pictures] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
if (!executablePath) {
  console.log("skipped: there is no chromium here (apt-get install chromium)");
  process.exit(0);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
if (pictures) mkdirSync(pictures, { recursive: true });

// Between browser and coordinator, so that the line can be cut.
const target = Number(new URL(given).port);
const lines = new Set();
let isCut = false;
const proxy = createServer((near) => {
  if (isCut) { near.destroy(); return; }
  const far = connect(target, "127.0.0.1");
  for (const side of [near, far]) {
    lines.add(side);
    side.on("error", () => {});
    side.on("close", () => { lines.delete(side); near.destroy(); far.destroy(); });
  }
  near.pipe(far).pipe(near);
});
await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${proxy.address().port}`;
const cut = (now) => { isCut = now; if (now) lines.forEach((side) => side.destroy()); };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const open = async (path, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => {});
  const page = await context.newPage();
  page.outside = [];
  page.complaints = [];
  page.referrers = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url())) page.outside.push(request.url());
    if (request.url().includes(token) || (request.headers().referer ?? "").includes(token)) page.referrers.push(request.url());
  });
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.complaints.push(message.text()); });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.loads = 0;
  page.on("load", () => { page.loads += 1; });
  await page.goto(origin + path);
  return page;
};
const painted = (page) => page.waitForFunction(() => document.body.dataset.painted, null, { timeout: 20_000 });
const live = (page) => page.waitForFunction(() => /^live/.test(document.getElementById("connection").textContent), null, { timeout: 20_000 });
const picture = (page, name) => pictures && page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
const withToken = (token) => `/live?sweep=busy#token=${token}`;

// Nobody without a token: a page that says how, and a form that needs no script.
{
  const page = await open("/live?sweep=busy", { javaScriptEnabled: false });
  check((await page.locator("h1").innerText()) === "Sign in to the live page", "without a token there is a page that says how to get in");
  await picture(page, "sign-in");
  await page.locator("#token").fill("nonsense");
  await page.locator("button").click();
  await becomes(async () => (await page.locator("#why").innerText()).includes("not known"), "a wrong token is told so");
  await page.locator("#token").fill("read-only");
  await page.locator("button").click();
  await page.waitForURL(/\/live\/plain/);
  await page.goto(`${origin}/live/plain?sweep=busy&filter=seed:1`);
  check((await page.locator("tbody tr").count()) > 2, "without script there is a table");
  check((await page.locator("meta[http-equiv=refresh]").count()) === 1, "which comes again by itself");
  await picture(page, "plain");
  await page.context().close();
}

// The usual way: a link with the token behind its #.
const page = await open(withToken(token));
await painted(page);
await live(page);
check(!page.url().includes(token) && !page.url().includes("token"), "the token leaves the address");
check(page.referrers.length === 0, `the token is in no address that is asked for ${page.referrers.join(" ")}`);
const cookies = await page.context().cookies();
check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict" && !cookies[0].value.includes(token), "a cookie that no script reads stands in its place");
// Loading again is what people do: the token and its redirect are behind them.
await page.reload();
await painted(page);
const first = await page.evaluate(() => Number(document.body.dataset.painted));
check(first < 1000, `first paint after ${first} ms with ${await page.evaluate(() => document.querySelectorAll("#counts li").length)} kinds of jobs`);
// Whether a frame was kept waiting while events arrive: beside an empty page, since a busy machine keeps everybody waiting.
const worstFrame = (page) => page.evaluate(() => new Promise((done) => {
  let [worst, before] = [0, performance.now()];
  const began = before;
  const frame = (now) => {
    worst = Math.max(worst, now - before);
    before = now;
    if (now - began > 3000) done(worst); else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}));
const empty = await (await browser.newContext()).newPage();
const idle = await worstFrame(empty);
await empty.context().close();
const longest = await worstFrame(page);
check(longest < 100 + 2 * idle, `the longest frame in three seconds of events: ${longest.toFixed(0)} ms, of an empty page ${idle.toFixed(0)} ms`);
await page.waitForFunction(() => document.querySelector("#curves-plot svg path"), null, { timeout: 20_000 });
await page.waitForTimeout(1500);
await picture(page, "light");

await becomes(async () => (await page.locator("#curves-legend").innerText()).includes("published 71.04%"), "the published number stands beside its curve");
await becomes(async () => (await page.locator("#curves-plot svg line title").count()) === 1, "and is drawn");

// The past: every panel is of then, and Back to now leads back.
await page.locator("#timeline").scrollIntoViewIfNeeded();
await page.waitForFunction(() => !document.getElementById("time").hidden, null, { timeout: 20_000 });
const done = () => page.evaluate(() => Number(document.querySelector("#counts").innerText.replaceAll(",", "").match(/(\d+)\s*done/)[1]));
const now = await done();
await page.locator("#at").evaluate((slider) => { slider.value = 300; slider.dispatchEvent(new Event("input", { bubbles: true })); });
await page.waitForFunction(() => !document.getElementById("past-note").hidden);
for (const panel of ["workers", "failures", "queue"]) await page.locator(`#${panel}`).scrollIntoViewIfNeeded();
await page.waitForFunction(() => document.querySelector("#workers").innerText.includes("by then"), null, { timeout: 10_000 });
let then;
await becomes(async () => (then = await done()) < now, () => `the past had fewer results: ${then} of ${now}`);
await becomes(() => /[?&]at=\d+/.test(page.url()), "a moment has a link");
await becomes(async () => (await page.locator("#failures button:has-text('Retry')").count()) === 0, "nobody acts on the past");
await picture(page, "past");
await page.locator("#at-now").click();
await page.waitForFunction(() => document.getElementById("past-note").hidden);
await page.locator("#workers").scrollIntoViewIfNeeded();
await page.waitForFunction(() => !document.querySelector("#workers").innerText.includes("by then"), null, { timeout: 10_000 });
await becomes(() => !/[?&]at=/.test(page.url()), "and the present is a step away");

// The grid by keyboard, and a job by its cell.
await page.locator("#grid-scroll").focus();
for (const key of ["ArrowRight", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
let told;
await becomes(async () => /seed 1: /.test((told = await page.locator("#grid-cell").innerText())), () => `the keyboard walks the grid: ${told}`);
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.querySelector("#job .body dl"), null, { timeout: 10_000 });
await becomes(() => /job=[0-9a-f]{12}/.test(page.url()), () => `a job has a link: ${page.url()}`);
await becomes(async () => (await page.locator("#job").innerText()).includes("Why it is where it is"), "a job tells why it is where it is");
await picture(page, "job");
await page.keyboard.press("Escape");
await becomes(async () => !(await page.locator("#job").isVisible()) && !page.url().includes("job="), () => `Escape leads back: ${page.url()}`);

// A filter, kept in the address.
await page.locator("#filter").fill("seed:2 variant:GCL");
await page.waitForFunction(() => document.getElementById("filtered").textContent.includes("of"));
await becomes(() => page.url().includes("filter=seed:2"), () => `a filter is in the link: ${page.url()}`);
const filtered = await page.locator("#filtered").innerText();
await page.locator("#filter").fill("");
check(/^\d[\d,]* cells? of/.test(filtered), `a filter says how many it takes: ${filtered}`);
// Zoom: kept over updates.
await page.locator("#zoom-in").click();
const zoomed = () => new URL(page.url()).searchParams.get("zoom");
await becomes(() => zoomed() !== null, () => `a zoom is in the link: ${zoomed()}`);
const zoom = zoomed();
await page.waitForTimeout(1500);
check(zoomed() === zoom, `a zoom stays while news arrive: ${zoom}`);
// Copies.
for (const [name, mark] of [["Copy Grid as CSV", "variant,"], ["Copy Curves as CSV", ",epoch,n,mean"], ["Copy Curves as SVG", "<svg"], ["Copy Grid as SVG", "<svg"], ["Copy Timeline as SVG", "<svg"], ["Copy Workers as CSV", "worker,state"]]) {
  await page.getByRole("button", { name }).click();
  await page.waitForFunction(() => !document.getElementById("said").hidden);
  let text;
  await becomes(async () => (text = await page.evaluate(() => navigator.clipboard.readText())).includes(mark), () => `${name}: ${text.length} characters`);
}

// The line is cut for a moment, and for long; the page is never loaded again.
const loads = page.loads;
const after = async (seconds) => {
  cut(true);
  await page.waitForFunction(() => document.getElementById("connection").className.includes("off"), null, { timeout: 10_000 });
  await page.waitForTimeout(seconds * 1000);
  cut(false);
  await live(page);
};
const epochs = () => page.evaluate(() => document.getElementById("counts").textContent);
await after(1);
await becomes(async () => (await page.locator("#connection").innerText()).startsWith("live"), "a line that was cut is taken up again");
const before = await epochs();
await page.waitForFunction((before) => document.getElementById("counts").textContent !== before, before, { timeout: 20_000 });
check(page.loads === loads, "without loading the page again");

// Acts: those that end work ask first.
await page.getByRole("button", { name: "Pause" }).click();
await page.getByRole("button", { name: "Resume" }).waitFor();
await becomes(async () => (await page.locator("#counts").innerText()).includes("paused"), "a sweep can be paused");
await page.getByRole("button", { name: "Resume" }).click();
await page.getByRole("button", { name: "Cancel the sweep" }).click();
await becomes(() => page.locator("#sure").isVisible(), "what ends work asks first");
await page.getByRole("button", { name: "Leave it" }).click();
await page.getByRole("button", { name: "Pause" }).waitFor();
check(!(await page.locator("#counts").innerText()).match(/[1-9]\d* ?cancelled/), "and does nothing where it is left");
check(page.outside.length === 0, `no request leaves the coordinator ${page.outside.join(" ")}`);
// What a browser says of a connection that this test cut is no complaint of the page's.
const complaints = page.complaints.filter((text) => !/ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET)/.test(text));
check(complaints.length === 0, `no complaint in the console ${complaints.join(" | ")}`);
await page.context().close();

// A reader sees everything and changes nothing.
{
  const page = await open(withToken("read-only"));
  await painted(page);
  check((await page.getByRole("button", { name: "Pause" }).count()) === 0, "a reader is offered no act");
  const answer = await page.evaluate(async () => (await fetch("/live/act", { method: "POST", body: JSON.stringify({ act: "pause", sweep: "busy" }) })).status);
  check(answer === 403, `and is refused one: ${answer}`);
  await page.context().close();
}

// Light and dark, wide and narrow: no finding of axe, nothing wider than the window.
for (const [name, options] of [
  ["axe-light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 390, height: 844 } }],
]) {
  const page = await open(withToken(token), { ...options, bypassCSP: true });
  await painted(page);
  // What is out of sight is drawn when it comes into sight.
  for (const panel of ["curves", "failures", "queue", "results", "workers", "timeline", "grid"]) await page.locator(`#${panel}`).scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector("#curves-plot svg path"), null, { timeout: 20_000 });
  await page.waitForTimeout(700);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  check(violations.length === 0, `${name}: axe ${violations.map(({ id, nodes }) => `${id} (${nodes.length}: ${nodes[0].html.slice(0, 120)})`).join("; ") || "finds nothing"}`);
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(wide <= room, `${name}: the page is not wider than the window (${wide} of ${room})`);
  await picture(page, name);
  await page.context().close();
}
await browser.close();
proxy.close();
conclude("the live page");
