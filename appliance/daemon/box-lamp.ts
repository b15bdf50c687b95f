// Knows: which lamp and button the box has, and that the lamp may be tried out. Must not know: drivers, states.
// A policy that changes something else leaves the lamp as it is: it must not say red for a reason that is none.

import type { Lamp } from '../../src/api/words.ts';
import type { LampConfig } from '../../src/policy/policy.ts';
import { KeeperLink } from '../lamp/keeper-link.ts';
import { LampTest } from '../lamp/lamp-test.ts';
import { BoxButton } from './box-button.ts';
import type { ButtonSubject } from './box-button.ts';
import { lampTestWords } from './warnings.ts';
import type { Warnings } from './warnings.ts';

export interface BoxLampParts {
  readonly warnings: Warnings;
  readonly runtimeDir: string;
  readonly box: ButtonSubject;
  /** Another than this process starts the keeper of the light. */
  readonly isKeptElsewhere: boolean;
  /** Why nobody keeps the light, or undefined when somebody does. */
  readonly gone: (reason: string | undefined) => void;
}

export class BoxLamp {
  readonly #link: KeeperLink;
  readonly #button: BoxButton;
  readonly test: LampTest;

  constructor({ warnings, runtimeDir, box, isKeptElsewhere, gone }: BoxLampParts) {
    this.#button = new BoxButton(box, warnings);
    this.#link = new KeeperLink({
      runtimeDir,
      isStartedElsewhere: isKeptElsewhere,
      gone,
      fault: warnings.put.bind(warnings, 'lamp'),
    });
    this.test = new LampTest({
      show: this.#link.show.bind(this.#link),
      tell: (pattern) => {
        warnings.put('lamp-test', pattern && lampTestWords(pattern));
      },
    });
  }

  /** Takes the lamp of a policy, with the pattern that the last one showed. */
  open(config: LampConfig): void {
    if (!this.#link.open(config)) return;
    this.test.close();
    this.#button.open(config);
  }

  show(pattern: Lamp): void {
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
