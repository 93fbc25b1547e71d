// What a browser sees of a busy sweep: `node measure.mjs ADDRESS SECONDS`. Prints one line of JSON.
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
const require = createRequire(new URL("../../tests/browser/", import.meta.url));
const { chromium } = require("playwright-core");
const [address, seconds] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
const painted = () => page.waitForFunction(() => document.body.dataset.painted, null, { timeout: 30_000 });
await page.goto(address);
await painted();
// Signed in, as somebody who comes back: the token and its redirect are behind them.
await page.reload();
await painted();
const paint = Number(await page.evaluate(() => document.body.dataset.painted));
await page.waitForTimeout(3000);
const frames = await page.evaluate((seconds) => new Promise((done) => {
  const all = [];
  let before = performance.now();
  const end = before + seconds * 1000;
  const frame = (now) => {
    all.push(now - before);
    before = now;
    if (now > end) done(all.slice(1)); else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}), Number(seconds));
await browser.close();
console.log(JSON.stringify({ first_paint_ms: paint, frames: frames.length, longest_frame_ms: Math.round(Math.max(...frames)), frames_over_100_ms: frames.filter((ms) => ms > 100).length }));
