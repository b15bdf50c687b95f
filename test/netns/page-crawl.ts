// How somebody on the laptop reads every page of the box.

import { join } from 'node:path';
import { LAN } from '../../appliance/lab/plan.ts';
import type { Lab } from '../../appliance/lab/lab.ts';

const PASSWORD = 'four words in a row';
/** What changes something, or ends the visit, is not followed. */
const LEFT_OUT = /^\/(?:logout|events|public)/;
const PAGES_MOST = 150;

/** Reads pages as their owner, from the laptop, with curl. */
export class PageCrawl {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Sets the password, as a first visit does. */
  async enter(): Promise<void> {
    const token = /name="token" value="([^"]+)"/.exec(await this.#fetch('/'))?.[1] ?? '';
    const form = ['token', token, 'password', PASSWORD, 'again', PASSWORD];
    const data = [0, 2, 4].flatMap((at) => ['--data-urlencode', `${form[at] ?? ''}=${form[at + 1] ?? ''}`]);
    await this.#fetch('/setup', ...data);
    if ((await this.#fetch('/')).includes('action="/setup"'))
      throw new Error('the page did not let its owner in');
  }

  /** Every page that a link leads to, by its path. */
  async pages(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const left = ['/'];
    for (let path = left.shift(); path !== undefined && found.size < PAGES_MOST; path = left.shift()) {
      if (found.has(path)) continue;
      const text = await this.#fetch(path);
      found.set(path, text);
      for (const [, to = ''] of text.matchAll(/(?:href|src)="(\/[^"#]*)/g)) {
        const next = to.replaceAll('&amp;', '&');
        if (!LEFT_OUT.test(next) && !found.has(next)) left.push(next);
      }
    }
    return found;
  }

  async #fetch(path: string, ...more: readonly string[]): Promise<string> {
    const { plan, network } = this.#lab;
    const jar = join(plan.dir, 'cookies');
    const words = ['-s', '--max-time', '10', '-b', jar, '-c', jar, '--interface', 'eth0', ...more];
    return (await network.laptop.run(['curl', ...words, `http://${LAN.box}${path}`])).stdout;
  }
}
