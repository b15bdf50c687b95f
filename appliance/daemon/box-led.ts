// Knows: which LED and button the box has, and that the LED may be tried out. Must not know: drivers, states.
// A policy that changes something else leaves the LED as it is: it must not say red for a reason that is none.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { WatchdogLink } from '../led/watchdog-link.ts';
import { LedTest } from '../led/led-test.ts';
import { BoxButton } from './box-button.ts';
import type { ButtonSubject } from './box-button.ts';
import { ledTestWords } from './warnings.ts';
import type { Warnings } from './warnings.ts';

export interface BoxLedParts {
  readonly warnings: Warnings;
  readonly runtimeDir: string;
  readonly box: ButtonSubject;
  /** Another than this process starts the LED watchdog. */
  readonly isKeptElsewhere: boolean;
  /** Why nobody keeps the light, or undefined when somebody does. */
  readonly gone: (reason: string | undefined) => void;
}

export class BoxLed {
  readonly #link: WatchdogLink;
  readonly #button: BoxButton;
  readonly test: LedTest;

  constructor({ warnings, runtimeDir, box, isKeptElsewhere, gone }: BoxLedParts) {
    this.#button = new BoxButton(box, warnings);
    this.#link = new WatchdogLink({
      runtimeDir,
      isStartedElsewhere: isKeptElsewhere,
      gone,
      fault: warnings.put.bind(warnings, 'lamp'),
    });
    this.test = new LedTest({
      show: this.#link.show.bind(this.#link),
      tell: (pattern) => {
        warnings.put('lamp-test', pattern && ledTestWords(pattern));
      },
    });
  }

  /** Takes the LED of a policy, with the pattern that the last one showed. */
  open(config: LedConfig): void {
    if (!this.#link.open(config)) return;
    this.test.close();
    this.#button.open(config);
  }

  show(pattern: LedPattern): void {
    this.test.show(pattern);
  }

  /** The daemon does its work: called twice a second at least. */
  beat(): void {
    this.#link.beat();
  }

  /** Writes anew what a restart goes by, when it was removed. */
  keep(): void {
    this.#link.keep();
  }

  close(): void {
    this.test.close();
    this.#button.close();
    this.#link.close();
  }
}
