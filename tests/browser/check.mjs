// What both scripts say of what they look at, and how they wait: a browser does what it is asked to soon, not at once.
export const faults = { count: 0 };

/** Says whether something holds now: for what was read at one moment. */
export const check = (holds, what) => {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
  faults.count += holds ? 0 : 1;
};

/** Says whether something comes to hold within ten seconds: for what an act leads to. `what` may tell what was seen last. */
export const becomes = async (holds, what) => {
  const until = performance.now() + 10_000;
  let held = false;
  while (!(held = await holds()) && performance.now() < until) await new Promise((done) => setTimeout(done, 50));
  check(held, typeof what === "function" ? await what() : what);
};

/** Says how it went, and ends the script accordingly. */
export const conclude = (name) => {
  console.log(faults.count === 0 ? `${name} passes` : `${faults.count} checks failed`);
  process.exit(faults.count === 0 ? 0 : 1);
};
