// The LED, its test and the button, as the policy configures them. A new policy with the same LED leaves it untouched: it must not
// flash red for no reason.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { WatchdogLink } from '../led/watchdog-link.ts';
import { LedTest } from '../led/led-test.ts';
import { BoxButton } from './box-button.ts';
import type { ButtonSubject } from './box-button.ts';
import { ledTestText } from './warnings.ts';
import type { Warnings } from './warnings.ts';

/** What the LED needs from the daemon. */
export interface BoxLedParts {
  readonly warnings: Warnings;
  readonly runtimeDir: string;
  readonly box: ButtonSubject;
  /** The LED watchdog is started by another process (systemd). */
  readonly isStartedElsewhere: boolean;
  /** Called with the reason why no LED watchdog is running, or undefined when one is. */
  readonly gone: (reason: string | undefined) => void;
}

/** The LED of the box. What is wrong with it becomes a warning or reaches `gone`. */
export class BoxLed {
  readonly #link: WatchdogLink;
  readonly #button: BoxButton;
  readonly test: LedTest;

  constructor({ warnings, runtimeDir, box, isStartedElsewhere, gone }: BoxLedParts) {
    this.#button = new BoxButton(box, warnings);
    this.#link = new WatchdogLink({
      runtimeDir,
      isStartedElsewhere,
      gone,
      fault: warnings.put.bind(warnings, 'lamp'),
    });
    this.test = new LedTest({
      show: this.#link.show.bind(this.#link),
      tell: (pattern) => {
        warnings.put('lamp-test', pattern && ledTestText(pattern));
      },
    });
  }

  /** Switches to the LED of a policy; it shows the same pattern as the previous one. */
  open(config: LedConfig): void {
    if (!this.#link.open(config)) return;
    this.test.close();
    this.#button.open(config);
  }

  /** Has the LED show the pattern of the state, at once or after a running test. */
  show(pattern: LedPattern): void {
    this.test.show(pattern);
  }

  /** Sends the LED watchdog a sign of life; must be called at least twice a second. */
  beat(): void {
    this.#link.beat();
  }

  /** Writes the LED's record again, after the runtime directory was removed. */
  keep(): void {
    this.#link.keep();
  }

  /** Leaves the LED red, and stops listening to the button. */
  close(): void {
    this.test.close();
    this.#button.close();
    this.#link.close();
  }
}
