// Blinks an LED by timers of this process, for LEDs that the kernel cannot blink. When the process ends, the LED stays as it is until a
// systemd unit turns it red.

import type { LedMode } from './patterns.ts';

/** One LED that this process switches. */
export class Blinker {
  readonly #set: (lit: boolean) => void;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `set` switches the LED; `onFault` gets errors of `set` while blinking. */
  constructor(set: (lit: boolean) => void, onFault: (error: unknown) => void) {
    this.#set = set;
    this.#onFault = onFault;
  }

  /** Always true: the level of a pin at one moment cannot confirm a blink pattern. */
  holds(): boolean {
    return true;
  }

  /** Lights, darkens or blinks the LED until the next call; the first switch is made at once. Throws what `set` throws. */
  show(mode: LedMode): void {
    clearTimeout(this.#timer);
    if (mode === 'on' || mode === 'off') {
      this.#set(mode === 'on');
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
        lit ? mode.on : mode.off,
      );
    };
    step(mode.startsLit);
  }
}
