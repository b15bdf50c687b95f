// Knows: which lamp and button the box has, what it last showed, and that it may be tried out. Must not know: drivers, states.
// A policy that changes something else leaves the lamp as it is: it must not say red for a reason that is none.

import type { Lamp } from '../../src/guard/status.ts';
import type { LampConfig } from '../../src/policy/policy.ts';
import { LampKeeper } from '../lamp/keeper.ts';
import { writeLampRecord } from '../lamp/record.ts';
import { LampTest } from '../lamp/lamp-test.ts';
import { BoxButton } from './box-button.ts';
import type { ButtonSubject } from './box-button.ts';
import { lampTestWords } from './warnings.ts';
import type { Warnings } from './warnings.ts';

export class BoxLamp {
  readonly #keeper: LampKeeper;
  readonly #button: BoxButton;
  readonly test: LampTest;
  #config = '';
  #state: Lamp | undefined;

  constructor(warnings: Warnings, runtimeDir: string, box: ButtonSubject) {
    this.#button = new BoxButton(box, warnings);
    this.#keeper = new LampKeeper(
      runtimeDir,
      warnings.set.bind(warnings, 'lamp'),
      writeLampRecord.bind(undefined, runtimeDir),
    );
    this.test = new LampTest({
      show: this.#keeper.show.bind(this.#keeper),
      tell: (pattern) => {
        warnings.put('lamp-test', pattern && lampTestWords(pattern));
      },
    });
  }

  /** Takes the lamp of a policy, with the pattern that the last one showed. */
  open(config: LampConfig): void {
    const text = JSON.stringify(config);
    if (text === this.#config) return;
    this.#config = text;
    this.test.close();
    this.#keeper.open(config);
    this.#button.open(config);
    if (this.#state !== undefined) this.#keeper.show(this.#state);
  }

  show(pattern: Lamp): void {
    this.#state = pattern;
    this.test.show(pattern);
  }

  close(): void {
    this.test.close();
    this.#button.close();
    this.#keeper.close();
  }
}
