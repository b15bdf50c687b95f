// The box's button: a press acknowledges all incidents, holding it switches block mode. No password: anyone who can press it is
// holding the box.

import type { Status } from '../../src/api/status.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { Button } from '../led/button.ts';
import { machinePins } from '../led/gpio.ts';
import type { InputPin, Pins } from '../led/gpio.ts';
import { errorText } from './warnings.ts';
import type { Warnings } from './warnings.ts';

/** What the button may do with the box. */
export interface ButtonSubject {
  status(): Pick<Status, 'blockMode'>;
  /** `id`: an incident's, or `all`. */
  acknowledge(id: string): unknown;
  setBlockMode(on: boolean): Promise<unknown>;
}

/** The button of the LED that the policy configures. */
export class BoxButton {
  readonly #box: ButtonSubject;
  readonly #warnings: Pick<Warnings, 'set' | 'clear'>;
  readonly #pins: () => Pins;
  #pin: InputPin | undefined;
  #button: Button | undefined;

  constructor(box: ButtonSubject, warnings: Pick<Warnings, 'set' | 'clear'>, pins: () => Pins = machinePins) {
    this.#box = box;
    this.#warnings = warnings;
    this.#pins = pins;
  }

  /** Listens to the button that is configured with this LED, if any: only the driver `gpio` has one. An error becomes a warning. */
  open(config: LedConfig): void {
    this.close();
    if (config.driver !== 'gpio' || config.button === undefined) return;
    try {
      const button = new Button({ press: this.#press.bind(this), hold: this.#hold.bind(this) });
      const pin = this.#pins().input(config.button);
      [this.#button, this.#pin] = [button, pin];
      pin.watch((down) => {
        button.level(down);
      });
      this.#warnings.clear('button');
    } catch (error) {
      this.#warnings.set('button', `The button cannot be used: ${errorText(error)}.`);
    }
  }

  /** Stops listening; a press that has begun has no effect. */
  close(): void {
    this.#button?.close();
    this.#pin?.close();
    [this.#button, this.#pin] = [undefined, undefined];
  }

  #press(): void {
    this.#box.acknowledge('all');
  }

  #hold(): void {
    const { blockMode } = this.#box.status();
    this.#box.setBlockMode(!blockMode).then(
      () => {
        this.#warnings.clear('button');
      },
      (error: unknown) => {
        this.#warnings.set('button', `The button could not switch block mode: ${errorText(error)}.`);
      },
    );
  }
}
