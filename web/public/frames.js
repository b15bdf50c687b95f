// Highlights the bytes of a frame that belong to the line under the pointer. Without script nothing is missing: the bytes are marked, and
// every line gives its offsets.

import './times.js';

function light(event) {
  const line = event.target.closest('.readings li[data-reading]');
  for (const mark of document.querySelectorAll('.hex mark.lit')) mark.classList.remove('lit');
  if (line === null) return;
  for (const mark of line.closest('.frame').querySelectorAll('.hex mark'))
    if (mark.dataset.reading === line.dataset.reading) mark.classList.add('lit');
}

document.querySelector('main').addEventListener('pointerover', light);
