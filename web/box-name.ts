// Whether a host name is the box's own, as the policy in force says. Strangers can trigger the request to the daemon, so there is one
// at a time and at most one every few seconds, whatever names they try.

import { undefinedForApiFault } from '../src/api/client.ts';
import type { ApiClient } from '../src/api/client.ts';

/** How long an answer is used, also the answer that there is no name. Milliseconds. */
const HOLDS_MS = 3000;

/** The box's own host name, asked of the daemon when needed. */
export class BoxName {
  readonly #client: Pick<ApiClient, 'ask'>;
  #asked: Promise<string | undefined> = Promise.resolve(undefined);
  #askedAt = -Infinity;

  constructor(client: Pick<ApiClient, 'ask'>) {
    this.#client = client;
  }

  /**
   * True if `host` (lower case, without a final dot) is the box's own name; false if the daemon does not answer. An answer up to HOLDS_MS
   * old counts.
   */
  async is(host: string): Promise<boolean> {
    if (performance.now() - this.#askedAt > HOLDS_MS) {
      this.#askedAt = performance.now();
      this.#asked = this.#ask();
    }
    return (await this.#asked) === host;
  }

  async #ask(): Promise<string | undefined> {
    const settings = await this.#client.ask('settings').catch(undefinedForApiFault);
    return settings?.management.hostname.toLowerCase().replace(/\.$/, '');
  }
}
