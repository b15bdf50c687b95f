// Knows: how an open list of incidents stays current: what its filter finds, asked anew whenever an incident changes.
// Must not know: what the filter is; it stands in the address. Errs toward "lost": three missed beats say so.

import { fragment, morph } from './morph.js';
import { localTimes } from './times.js';

const SILENCE_MS = 6500;
const GAP_MS = 1000;
const REOPEN_MS = 10_000;

const link = document.getElementById('link');
const found = document.getElementById('found');

let heardAt = window.performance.now();
let askedAt = 0;
let waiting;

function say(connection) {
  if (document.body.dataset.link === connection) return;
  document.body.dataset.link = connection;
  link.textContent = link.dataset[connection];
}

function hear() {
  heardAt = window.performance.now();
  say(found.dataset.known === 'yes' ? 'live' : 'lost');
}

async function load() {
  clearTimeout(waiting);
  waiting = undefined;
  askedAt = window.performance.now();
  const answer = await fetch(`/incidents/found${window.location.search}`).catch(() => undefined);
  // The session is over: the page as a visitor sees it.
  if (answer?.status === 401) return window.location.reload();
  if (answer?.ok !== true) return say('lost');
  const fresh = fragment(await answer.text()).firstElementChild;
  localTimes(fresh);
  morph(found, fresh);
  hear();
}

function refresh() {
  waiting ??= setTimeout(load, Math.max(0, GAP_MS - (window.performance.now() - askedAt)));
}

function open() {
  const source = new EventSource('/incidents/events');
  source.addEventListener('beat', hear);
  source.addEventListener('regions', refresh);
  // Closed means refused for good (too many pages): later another try.
  source.addEventListener('error', () => {
    say('lost');
    if (source.readyState === 2) setTimeout(open, REOPEN_MS);
  });
}

setInterval(() => {
  if (window.performance.now() - heardAt > SILENCE_MS) say('lost');
}, 1000);
open();
