// The symbol of the light in each state: the shape differs, so that it reads without colour. Trusted markup, 64 by 64 units, drawn in the
// current colour.

import type { LightState } from '../../texts.ts';

const octagon = '<path class="body" d="M22 5h20l17 17v20L42 59H22L5 42V22z"/>';
const circle = '<circle class="body" cx="32" cy="32" r="27"/>';
const shield =
  '<path class="body" d="M32 4l24 8v17c0 15-10 25-24 31C18 54 8 44 8 29V12z"/><path class="mark" d="M20 32h24"/>';
const ring = '<circle class="line" cx="32" cy="32" r="25"/>';

/** Class `body` is filled, `mark` is drawn on the body, `line` is drawn on the background. */
export const GLYPHS: Readonly<Record<LightState, string>> = {
  clear: `${circle}<path class="mark" d="M19 33l9.5 9.5L46 24"/>`,
  minor: '<path class="body" d="M32 6l29 51H3z"/><path class="mark" d="M32 24v15M32 48v.5"/>',
  leaking: `${octagon}<path class="mark" d="M32 17v19M32 46v.5"/>`,
  breach: `${octagon}<path class="mark" d="M36 13L24 34h15L27 52"/>`,
  blocked: shield,
  stopped: shield,
  pass: `${ring}<path class="body" d="M32 7a25 25 0 0 1 0 50z"/><path class="line" d="M32 7v50"/>`,
  idle: `<circle class="line dashed" cx="32" cy="32" r="25"/><path class="line" d="M22 32h20"/>`,
  trying: `<circle class="line dashed" cx="32" cy="32" r="25"/><path class="line" d="M25 26a7 7 0 1 1 7 8v4M32 45v.5"/>`,
  setup: `${ring}<path class="line" d="M32 21v22M21 32h22"/>`,
  blind:
    '<path class="line" d="M4 32s10-17 28-17 28 17 28 17-10 17-28 17S4 32 4 32z"/><circle class="body" cx="32" cy="32" r="8"/>' +
    '<path class="line" d="M10 56L54 8"/>',
  starting: `<circle class="line dashed" cx="32" cy="32" r="25"/><circle class="body" cx="32" cy="32" r="5"/>`,
};

/** Background and foreground colours of the tab icon. */
const TAB_COLOURS: Readonly<Record<LightState, readonly [ground: string, figure: string]>> = {
  clear: ['#0b7a4b', '#fff'],
  minor: ['#f2b01e', '#231a00'],
  blocked: ['#0b7a4b', '#fff'],
  stopped: ['#f2b01e', '#231a00'],
  leaking: ['#c4122f', '#fff'],
  breach: ['#c4122f', '#fff'],
  pass: ['#8a4b00', '#fff'],
  idle: ['#f2b01e', '#231a00'],
  trying: ['#f2b01e', '#231a00'],
  setup: ['#f2b01e', '#231a00'],
  blind: ['#1c1d22', '#ff6b7d'],
  starting: ['#5b6270', '#fff'],
};

/**
 * The tab icon as a complete SVG file (image/svg+xml): the symbol of GLYPHS on a rounded background, in colours of its own. Trusted markup
 * only.
 */
export function tabIcon(state: LightState): string {
  const [ground, figure] = TAB_COLOURS[state];
  const line = `fill="none" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"`;
  const drawn = GLYPHS[state]
    .replaceAll(/class="line[^"]*"/g, `${line} stroke="${figure}"`)
    .replaceAll('class="body"', `fill="${figure}"`)
    .replaceAll('class="mark"', `${line} stroke="${ground}"`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 88 88">` +
    `<rect x="-12" y="-12" width="88" height="88" rx="20" fill="${ground}"/>${drawn}</svg>`
  );
}
