// Knows: which bytes a label of a frame's tree stands for: they light up in the rows below. Must not know: what they mean.
// Where the browser cannot light up text (CSS Custom Highlight API) nothing is missing: every label says its bytes.

import './times.js';

/** A row as the server writes it: offset, eight bytes of three characters, letters, line feed. */
const ROW = { bytes: 8, length: 40, hex: 6, letters: 31 };

function light(event) {
  const layer = event.target.closest('.layers li');
  const text = layer?.closest('.frame').querySelector('.hex').firstChild;
  window.CSS.highlights.delete('bytes');
  if (!text) return;
  const highlight = new window.Highlight();
  const mark = (from, to) => {
    const range = new window.Range();
    range.setStart(text, Math.min(from, text.length));
    range.setEnd(text, Math.min(to, text.length));
    highlight.add(range);
  };
  const [start, end] = [Number(layer.dataset.start), Number(layer.dataset.end)];
  for (let at = start; at < end; at += ROW.bytes - (at % ROW.bytes)) {
    const row = Math.floor(at / ROW.bytes) * ROW.length;
    const [first, last] = [at % ROW.bytes, Math.min(end - at + (at % ROW.bytes), ROW.bytes)];
    mark(row + ROW.hex + first * 3, row + ROW.hex + last * 3 - 1);
    mark(row + ROW.letters + first, row + ROW.letters + last);
  }
  window.CSS.highlights.set('bytes', highlight);
}

if (window.CSS.highlights !== undefined)
  for (const kind of ['pointerover', 'focusin']) document.querySelector('main').addEventListener(kind, light);
