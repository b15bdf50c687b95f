// Knows: what a finger means: a short press, or three seconds. Must not know: pins, what is done about it.
// Contacts bounce for some milliseconds: only a level that stays is one.

import { afterReading } from '../os/after-reading.ts';

const STEADY_MS = 30;
const HOLD_MS = 3_000;

export interface ButtonListener {
  /** Pressed and let go. */
  press(): void;
  /** Held for three seconds: told while it is still down, and once. */
  hold(): void;
}

export class Button {
  readonly #listener: ButtonListener;
  #raw: boolean | undefined;
  #down: boolean | undefined;
  #spent = false;
  #callOffBounce = (): void => undefined;
  #held: NodeJS.Timeout | undefined;

  constructor(listener: ButtonListener) {
    this.#listener = listener;
  }

  /** The level of the contact, whenever it may have changed. The first one is how it is found: a stuck button says nothing. */
  level(down: boolean): void {
    this.#down ??= down;
    if (down === this.#raw) return;
    this.#raw = down;
    this.#callOffBounce();
    this.#callOffBounce = afterReading(STEADY_MS, () => {
      this.#settled(down);
    });
  }

  close(): void {
    this.#callOffBounce();
    clearTimeout(this.#held);
  }

  #settled(down: boolean): void {
    if (down === this.#down) return;
    this.#down = down;
    clearTimeout(this.#held);
    if (down) {
      this.#spent = false;
      // The contact was down for as long as it took to settle.
      this.#held = setTimeout(() => {
        this.#spent = true;
        this.#listener.hold();
      }, HOLD_MS - STEADY_MS);
    } else if (!this.#spent) {
      this.#listener.press();
    }
  }
}
