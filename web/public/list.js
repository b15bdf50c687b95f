// Keeps an open incident list current: requests the filtered list again whenever an incident changes. Errs toward "lost": shown when there
// is neither a beat nor an answer.

import { loseHead, placeHead } from './head.js';
import { fragment, morph } from './morph.js';
import { localTimes } from './times.js';

const SILENCE_MS = 6500;
const ANSWER_MS = 3000;
const GAP_MS = 1000;
const REOPEN_MS = 10_000;

const link = document.getElementById('link');
const found = document.getElementById('found');

let heardAt = window.performance.now();
let askedAt = 0;
let waiting;
let source;

function say(connection) {
  if (document.body.dataset.link === connection) return;
  document.body.dataset.link = connection;
  if (connection === 'lost') loseHead();
  link.textContent = link.dataset[connection];
}

function hear(connection) {
  heardAt = window.performance.now();
  say(found.dataset.known === 'yes' ? connection : 'lost');
}

async function load() {
  clearTimeout(waiting);
  waiting = undefined;
  askedAt = window.performance.now();
  const signal = window.AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch(`/incidents/found${window.location.search}`, { signal }).catch(() => undefined);
  // The session has ended: reload as a visitor.
  if (answer?.status === 401) return window.location.reload();
  const html = answer?.ok === true ? await answer.text().catch(() => undefined) : undefined;
  if (html === undefined) return say('lost');
  const fresh = fragment(html).firstElementChild;
  localTimes(fresh);
  morph(found, fresh);
  hear(source.readyState === 1 ? 'live' : 'polling');
}

function refresh() {
  waiting ??= setTimeout(load, Math.max(0, GAP_MS - (window.performance.now() - askedAt)));
}

function open() {
  source?.close();
  source = new EventSource('/incidents/events');
  source.addEventListener('beat', () => hear('live'));
  source.addEventListener('regions', (event) => {
    for (const [name, html] of JSON.parse(event.data)) if (name === 'head') placeHead(html);
    refresh();
  });
  // Closed means refused (too many pages): keep polling, and try to open it again later.
  source.addEventListener('error', () => {
    if (source.readyState === 2) setTimeout(open, REOPEN_MS);
    refresh();
  });
}

function watchSilence() {
  const now = window.performance.now();
  const polling = document.body.dataset.link !== 'live';
  if (now - heardAt <= (polling ? ANSWER_MS : SILENCE_MS) || now - askedAt <= ANSWER_MS) return;
  // Not refused, but silent: the connection died unnoticed, for example while the laptop slept.
  if (source.readyState !== 2) open();
  refresh();
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) watchSilence();
});
setInterval(watchSilence, 1000);
open();
