// Knows: how a light that can only be lit and put out is made to blink by this process. Must not know: which light, and why.
// For lights that the kernel cannot blink by itself: when this process ends, the light stays as it is until a unit turns it red.

import type { Light } from './patterns.ts';

export class Blinker {
  readonly #set: (lit: boolean) => void;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onFault` hears what goes wrong between two calls. */
  constructor(set: (lit: boolean) => void, onFault: (error: unknown) => void) {
    this.#set = set;
    this.#onFault = onFault;
  }

  /** What it was given last is not read back: a pin's level says nothing of a blink. */
  holds(): boolean {
    return true;
  }

  /** Throws what the light says. */
  show(light: Light): void {
    clearTimeout(this.#timer);
    if (light === 'on' || light === 'off') {
      this.#set(light === 'on');
      return;
    }
    const step = (lit: boolean): void => {
      this.#set(lit);
      this.#timer = setTimeout(
        () => {
          try {
            step(!lit);
          } catch (error) {
            this.#onFault(error);
          }
        },
        lit ? light.on : light.off,
      );
    };
    step(light.startsLit);
  }
}
