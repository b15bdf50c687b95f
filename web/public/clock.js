// Knows: when the box's clock and the browser's are too far apart, and then offers the browser's. Must not know: who keeps a clock.
// Without script nothing is offered: the form is hidden, and has no time to send.

import { APART_MS, localTimes } from './times.js';

const offer = document.getElementById('clock-offer');

function say(id, time) {
  document.getElementById(id).setAttribute('datetime', time.toISOString());
}

function compare() {
  const [box, browser] = [new Date(offer.dataset.now), new Date()];
  if (Math.abs(box.getTime() - browser.getTime()) <= APART_MS) return;
  say('clock-box', box);
  say('clock-browser', browser);
  localTimes(offer);
  offer.addEventListener('submit', () => {
    offer.elements.namedItem('wall').value = String(Date.now());
  });
  offer.hidden = false;
}

if (offer !== null) compare();
