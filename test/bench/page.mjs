// How long a person waits for the status page: first paint, and over a slow link. The lab with the real guard and the real page on any free
// port, Debian's Chromium, an owner who is logged in; as root after
// npm run build. Prints one JSON object: medians and slowest of as many visits, each with an empty cache and a warm one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const CLI = fileURLToPath(new URL('../../dist/appliance/cli/main.js', import.meta.url));
const VISITS = Number(process.argv[2] ?? 15);
const PASSWORD = 'correct horse battery staple';
/** 100 kbit/s and what such a link takes to answer. */
const SLOW = { offline: false, latency: 100, downloadThroughput: 12_500, uploadThroughput: 12_500 };
const PAINT = `new Promise((resolve) => new PerformanceObserver((list, watch) => {
  const [paint] = list.getEntriesByName('first-contentful-paint');
  if (paint) { watch.disconnect(); resolve(paint.startTime); }
}).observe({ type: 'paint', buffered: true }))`;

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);

/** @param {number[]} values */
function told(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (/** @type {number | undefined} */ value) => Math.round(value ?? Number.NaN);
  return { median: round(sorted[Math.floor(sorted.length / 2)]), slowest: round(sorted.at(-1)) };
}

/** The page's address, once the lab says it; its other words go on to the terminal. @param {import('node:child_process').ChildProcess} lab */
async function addressOf(lab) {
  if (lab.stdout === null) throw new Error('the lab has no output');
  for await (const line of createInterface(lab.stdout)) {
    say(line);
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (found !== null) return found[0];
  }
  throw new Error('the lab ended before its page was there');
}

/** Milliseconds from the request to the first words on the screen. @param {import('playwright-core').Page} tab @param {string} address */
async function paint(tab, address) {
  await tab.goto(address, { waitUntil: 'load' });
  return /** @type {Promise<number>} */ (tab.evaluate(PAINT));
}

/** @param {import('playwright-core').Browser} browser @param {string} address */
async function logIn(browser, address) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.goto(address);
  await tab.fill('#password', PASSWORD);
  await tab.fill('#again', PASSWORD);
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#incidents');
  const cookies = await context.cookies();
  await context.close();
  return cookies;
}

/** @param {import('playwright-core').Browser} browser @param {string} address @param {Awaited<ReturnType<typeof logIn>>} cookies */
async function visit(browser, address, cookies, slow = false) {
  const context = await browser.newContext();
  await context.addCookies(cookies);
  const tab = await context.newPage();
  const wire = await context.newCDPSession(tab);
  await wire.send('Network.enable');
  if (slow) await wire.send('Network.emulateNetworkConditions', SLOW);
  let bytes = 0;
  wire.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  const first = await paint(tab, address);
  await tab.waitForSelector('body[data-link="live"]');
  const size = bytes;
  const warm = await paint(tab, address);
  // The same without a cache, but in a browser that has its process for the page: what the page itself costs.
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  const empty = await paint(tab, address);
  await context.close();
  return { first, warm, empty, size };
}

const lab = spawn(process.execPath, [CLI, 'lab', 'up', '--port', '0', '--id', 'benchpg'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(lab, 'exit');
try {
  const address = await addressOf(lab);
  lab.stdout?.resume();
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
  const cookies = await logIn(browser, address);
  const fast = [];
  for (let n = 0; n < VISITS; n += 1) fast.push(await visit(browser, address, cookies));
  say(`${String(VISITS)} visits; now over 100 kbit/s`);
  const slow = [await visit(browser, address, cookies, true), await visit(browser, address, cookies, true)];
  await browser.close();
  const figures = (/** @type {typeof fast} */ visits) => ({
    newTabMs: told(visits.map(({ first }) => first)),
    emptyCacheMs: told(visits.map(({ empty }) => empty)),
    cachedMs: told(visits.map(({ warm }) => warm)),
    bytes: Math.max(...visits.map(({ size }) => size)),
  });
  process.stdout.write(
    `${JSON.stringify({ visits: VISITS, link: figures(fast), at100kbit: figures(slow) }, undefined, 2)}\n`,
  );
} finally {
  lab.kill('SIGINT');
  await ended;
}
