// Knows: how the timeline of an open page stays current, and how a click looks closer without leaving the page.
// Must not know: what it shows. Without this script every one of its links is a page of its own.

import { localTimes } from './times.js';
import { fragment, morph } from './morph.js';

const EVERY_MS = 30_000;
const GAP_MS = 3000;

let askedAt = 0;
let waiting;

async function load() {
  clearTimeout(waiting);
  waiting = undefined;
  askedAt = window.performance.now();
  const answer = await fetch(`/timeline${window.location.search}`).catch(() => undefined);
  if (answer?.ok !== true) return;
  const fresh = fragment(await answer.text()).firstElementChild;
  const old = document.getElementById('timeline');
  if (fresh === null || old === null) return;
  localTimes(fresh);
  morph(old, fresh);
}

/** Soon, and not more often than the gap allows. */
export function refreshTimeline() {
  if (document.getElementById('timeline') === null) return;
  waiting ??= setTimeout(load, Math.max(0, GAP_MS - (window.performance.now() - askedAt)));
}

function follow(event) {
  const link = event.target.closest('#timeline a[href^="/?"]');
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  window.history.pushState(null, '', link.href);
  void load();
}

/** Escape takes the words of a column away; they come back with the next move. */
function dismiss(event) {
  const { dataset } = document.getElementById('timeline');
  if (event.key === 'Escape') dataset.dismissed = '';
  else delete dataset.dismissed;
}

if (document.getElementById('timeline') !== null) {
  document.addEventListener('keydown', dismiss);
  document.addEventListener('pointermove', dismiss);
  document.addEventListener('click', follow);
  window.addEventListener('popstate', () => void load());
  setInterval(refreshTimeline, EVERY_MS);
}
