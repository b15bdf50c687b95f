// Turns the level of a button's contact into a press or a hold of three seconds. Contacts bounce for some milliseconds, so a level counts
// only once it is steady.

import { afterReading } from '../os/after-reading.ts';

const STEADY_MS = 30;
const HOLD_MS = 3_000;

/** What the button does. */
export interface ButtonListener {
  /** Pressed and released in less than three seconds. */
  press(): void;
  /** Held for three seconds: called once, while it is still down. */
  hold(): void;
}

/** One button; its listener is called from timers. */
export class Button {
  readonly #listener: ButtonListener;
  #raw: boolean | undefined;
  #down: boolean | undefined;
  #wasHeld = false;
  #cancelBounce = (): void => undefined;
  #holdTimer: NodeJS.Timeout | undefined;

  constructor(listener: ButtonListener) {
    this.#listener = listener;
  }

  /** Takes the level of the contact whenever it may have changed. The first one is only the initial state, so that a stuck button does nothing. */
  level(down: boolean): void {
    this.#down ??= down;
    if (down === this.#raw) return;
    this.#raw = down;
    this.#cancelBounce();
    this.#cancelBounce = afterReading(STEADY_MS, () => {
      this.#settled(down);
    });
  }

  /** Calls the listener no more. */
  close(): void {
    this.#cancelBounce();
    clearTimeout(this.#holdTimer);
  }

  #settled(down: boolean): void {
    if (down === this.#down) return;
    this.#down = down;
    clearTimeout(this.#holdTimer);
    if (down) {
      this.#wasHeld = false;
      // The contact has been down for STEADY_MS already.
      this.#holdTimer = setTimeout(() => {
        this.#wasHeld = true;
        this.#listener.hold();
      }, HOLD_MS - STEADY_MS);
    } else if (!this.#wasHeld) {
      this.#listener.press();
    }
  }
}
