// Offers the browser's time if the box's clock differs too much. Without script the form stays hidden.

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
