// Knows: by which name of its own the box is asked for, as the policy in force says it. Must not know: HTTP, what else is in it.
// Strangers make it ask: one question at a time, and no more than one every few seconds, whatever names they try.

import { unlessFault } from '../src/api/client.ts';
import type { ApiClient } from '../src/api/client.ts';

/** How long an answer holds, also that there is none. */
const HOLDS_MS = 3000;

export class BoxName {
  readonly #client: Pick<ApiClient, 'ask'>;
  #asked: Promise<string | undefined> = Promise.resolve(undefined);
  #askedAt = -Infinity;

  constructor(client: Pick<ApiClient, 'ask'>) {
    this.#client = client;
  }

  /** True for the box's own name, lower case and without a final dot; false when nobody can say. */
  async is(host: string): Promise<boolean> {
    if (performance.now() - this.#askedAt > HOLDS_MS) {
      this.#askedAt = performance.now();
      this.#asked = this.#ask();
    }
    return (await this.#asked) === host;
  }

  async #ask(): Promise<string | undefined> {
    const settings = await this.#client.ask('settings').catch(unlessFault);
    return settings?.management.hostname.toLowerCase().replace(/\.$/, '');
  }
}
