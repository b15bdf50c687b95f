// Keeps the light in the head of every page, and in its tab, current. Pages with an event stream of their own get it there. Errs toward
// "lost", like page.js.

import { fragment, morph } from './morph.js';

const SILENCE_MS = 1500;
const ANSWER_MS = 1000;
const REOPEN_MS = 10_000;

const head = document.getElementById('head');
const lost = document.getElementById('head-lost');
const title = document.title;

let heardAt = window.performance.now();
let askedAt = 0;
let source;

/** Puts the light into the head, and its word before the page's title. */
export function placeHead(html) {
  const fresh = fragment(html).firstElementChild;
  if (head === null || fresh === null) return;
  morph(head, fresh);
  // A page with the whole light shows that in its tab.
  if (document.getElementById('light') === null)
    showInTab(head.dataset.state, `${head.dataset.word} · ${title}`);
}

/** Puts a light into the tab: its colour into the icon, and `text` for a title. */
export function showInTab(state, text) {
  document.title = text;
  const [icon, href] = [document.getElementById('tab-icon'), `/light/${state}.svg`];
  if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
}

/** Shows that the box is not known to be well. */
export function loseHead() {
  if (lost !== null) placeHead(lost.innerHTML);
}

function hear(regions) {
  heardAt = window.performance.now();
  for (const [name, html] of regions) if (name === 'head') placeHead(html);
}

async function ask() {
  askedAt = window.performance.now();
  const signal = window.AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch('/head/regions', { signal }).catch(() => undefined);
  const regions = answer?.ok === true ? await answer.json().catch(() => undefined) : undefined;
  if (regions === undefined) loseHead();
  else hear(regions);
}

function open() {
  source?.close();
  source = new EventSource('/head/events');
  source.addEventListener('beat', () => {
    heardAt = window.performance.now();
  });
  source.addEventListener('regions', (event) => hear(JSON.parse(event.data)));
  // Closed means refused (too many pages): keep asking, and try to open it again later.
  source.addEventListener('error', () => {
    if (source.readyState === 2) setTimeout(open, REOPEN_MS);
    void ask();
  });
}

function watchSilence() {
  const now = window.performance.now();
  if (now - heardAt <= SILENCE_MS || now - askedAt <= SILENCE_MS) return;
  if (source.readyState !== 2) open();
  void ask();
}

if (head !== null && document.body.dataset.feed === undefined) {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) watchSilence();
  });
  setInterval(watchSilence, 500);
  open();
}
