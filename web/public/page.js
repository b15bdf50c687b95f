// Keeps an open page current: puts regions from the event stream in place. All text and escaping comes from the server.
// Errs toward "lost": without a beat and without an answer, the light turns blind within seconds.

import { fragment, morph } from './morph.js';
import { loseHead, placeHead, showInTab } from './head.js';
import { refreshTimeline } from './timeline.js';
import { APART_MS, localTimes } from './times.js';

/** Two beats (web/http/event-streams.ts), and the time for an answer: a page that is cut off turns blind within two seconds. */
const SILENCE_MS = 1000;
const ANSWER_MS = 700;
const POLL_MS = 1000;
const LOOK_MS = 200;
const REOPEN_MS = 10_000;

/** `` or `/light`: visitors who are not logged in get only the light. */
const feed = document.body.dataset.feed;
const link = document.getElementById('link');
const lostRegions = document.getElementById('lost');
const notice = document.getElementById('notice');
const clockDiffers = document.getElementById('clock-differs');

let heardAt = window.performance.now();
let askedAt = 0;
let source;
/** How far the box's clock is ahead of the browser's, milliseconds. */
let boxAhead;

/** Only the owner's page has this element. */
function compareClocks() {
  if (clockDiffers !== null) clockDiffers.hidden = Math.abs(boxAhead) <= APART_MS;
}

/** Same format as on the server (web/pages/status/view-model.ts). */
function ageText(seconds) {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** Updates `4:05 left` and `2 s ago` by the box's clock; until the first beat, the text from the server stays. */
function countTimes() {
  if (boxAhead === undefined) return;
  for (const time of document.querySelectorAll('time[data-countdown]')) {
    const left = (new Date(time.getAttribute('datetime')).getTime() - Date.now() - boxAhead) / 1000;
    const seconds = Math.max(0, Math.ceil(left));
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    time.textContent = `${text} ${time.dataset.countdown}`;
  }
  // A page that has lost its connection must not go on saying "2 s ago".
  for (const time of document.querySelectorAll('time[data-age]')) {
    const since = (Date.now() + boxAhead - new Date(time.getAttribute('datetime')).getTime()) / 1000;
    time.textContent = time.dataset.age.replace('{age}', ageText(Math.max(0, Math.floor(since))));
  }
}

function place(name, html) {
  if (name === 'head') return placeHead(html);
  const [old, fresh] = [document.getElementById(name), fragment(html).firstElementChild];
  if (old === null || fresh === null) return;
  morph(old, fresh);
  localTimes(old);
  countTimes();
  if (name === 'light') showLightInTab(old);
  if (name === 'incidents' || name === 'tunnels' || name === 'controls') refreshTimeline();
}

function showLightInTab({ dataset }) {
  showInTab(dataset.state, dataset.title);
}

function say(connection) {
  if (document.body.dataset.link === connection) return;
  document.body.dataset.link = connection;
  link.textContent = link.dataset[connection];
}

function hear(connection) {
  heardAt = window.performance.now();
  // A live connection is worth nothing if the daemon does not answer.
  say(document.getElementById('light').dataset.known === 'yes' ? connection : 'lost');
}

function lose() {
  say('lost');
  loseHead();
  for (const region of lostRegions.content.children) place(region.id, region.outerHTML);
  for (const button of document.querySelectorAll('main button')) button.disabled = true;
}

/** One request while the stream is silent: distinguishes a box with too many streams from a lost one. */
async function ask() {
  askedAt = window.performance.now();
  try {
    const answer = await fetch(`${feed}/regions`, { signal: window.AbortSignal.timeout(ANSWER_MS) });
    // The session has ended: reload as a visitor.
    if (answer.status === 401) return window.location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    for (const [name, html] of await answer.json()) place(name, html);
    hear('polling');
  } catch {
    lose();
  }
}

function open() {
  source?.close();
  source = new EventSource(`${feed}/events`);
  source.addEventListener('beat', (event) => {
    boxAhead = Number(event.data) - Date.now();
    countTimes();
    compareClocks();
    hear('live');
  });
  source.addEventListener('regions', (event) => {
    for (const [name, html] of JSON.parse(event.data)) place(name, html);
    hear('live');
  });
  // Closed means refused (too many pages): keep polling, and try to open it again later.
  source.addEventListener('error', () => {
    if (source.readyState === 2) setTimeout(open, REOPEN_MS);
    void ask();
  });
}

function watchSilence() {
  const now = window.performance.now();
  const polling = document.body.dataset.link !== 'live';
  if (now - heardAt <= (polling ? POLL_MS : SILENCE_MS) || now - askedAt <= POLL_MS) return;
  // Not refused, but silent: the connection died unnoticed, for example while the laptop slept.
  if (source.readyState !== 2) open();
  void ask();
}

/** Sends a form without leaving the page; faults from the server are shown in the notice. */
async function submit(event) {
  event.preventDefault();
  const [form, button] = [event.target, event.submitter];
  const body = new URLSearchParams(new FormData(form));
  if (button !== null) body.append(button.name, button.value);
  button?.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(form.action, { method: 'POST', body, redirect: 'manual' });
    if (answer.type === 'opaqueredirect') {
      notice.replaceChildren();
      if (document.body.dataset.link !== 'live') await ask();
    } else {
      const page = fragment(await answer.text());
      const [fresh, tokens] = [page.getElementById('notice'), page.querySelectorAll('input[name="token"]')];
      notice.replaceChildren(...(fresh ?? page).childNodes);
      for (const token of tokens)
        for (const old of document.querySelectorAll('input[name="token"]')) old.value = token.value;
    }
  } catch {
    lose();
  }
  button?.removeAttribute('aria-busy');
}

for (const form of document.querySelectorAll('form[data-stay]'))
  form.addEventListener('submit', (event) => void submit(event));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) watchSilence();
});
showLightInTab(document.getElementById('light'));
setInterval(watchSilence, LOOK_MS);
setInterval(countTimes, 1000);
open();
