// Keeps the timeline of an open page current, and zooms without leaving the page. Without script, every link is a page of its own.

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

/** Reloads the timeline soon, at most once per GAP_MS. */
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

/** Escape hides the text of a column; the next movement shows it again. */
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
