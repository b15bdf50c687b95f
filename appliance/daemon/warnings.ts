// Knows: what is wrong right now, one sentence a topic. Must not know: what any topic means.

import type { Logger } from 'pino';
import type { RefusedAnswer } from '../../src/guard/answers/learner.ts';

export class Warnings {
  readonly #log: Logger;
  readonly #byTopic = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logged when it is new, shown until it is cleared or replaced. */
  set(topic: string, text: string): void {
    if (this.#byTopic.get(topic) === text) return;
    this.#byTopic.set(topic, text);
    this.#log.warn({ topic }, text);
  }

  clear(topic: string): void {
    this.#byTopic.delete(topic);
  }

  /** Sets it, or clears it where there is nothing to say. */
  put(topic: string, text: string | undefined): void {
    if (text === undefined) this.clear(topic);
    else this.set(topic, text);
  }

  /** What fails becomes a warning, and is one until it succeeds. */
  attempt(topic: string, failure: string, task: () => void): void {
    try {
      task();
      this.clear(topic);
    } catch (error) {
      this.set(topic, `${failure} (${words(error)}).`);
    }
  }

  list(): string[] {
    return [...this.#byTopic.values()];
  }
}

/** What an error says, for a warning. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The rules were found changed and were put back. */
export function mendedWords(found: readonly string[]): string {
  return `The firewall rules were changed from outside and put back: ${found.slice(0, 3).join('; ')}.`;
}

/** Work that is done again and again, and failed the last time. */
export function roundWords(round: string, error: unknown): string {
  return `The guard's own work (${round}) failed and is tried again: ${words(error)}.`;
}

/** What was removed or changed by another hand, and stands again. */
export function putBackWords(paths: readonly string[]): string {
  return `${paths.join(', ')} ${paths.length === 1 ? 'was' : 'were'} removed or changed from outside, and put back.`;
}

/** Somebody tries the LED out: who sees it must not take it for the state. */
export function ledTestWords(pattern: string): string {
  return `The LED is being tried out (${pattern}): for some seconds it says nothing of the wire.`;
}

/** What answers had opened, and what was said there has closed. */
export function withdrawnWords(
  withdrawn: readonly { readonly name: string; readonly address: string }[],
): string {
  const list = withdrawn.map(({ name, address }) => `${address} (for ${name})`).join(', ');
  return `Closed again for an hour: ${list}. An answer on the wire gave that address, no handshake had proven it, and something that is not the tunnel went there.`;
}

/** Answers for tunnels' names that opened nothing: a client that waits for its tunnel learns why it does not come up. */
export function refusedWords(refused: readonly RefusedAnswer[]): string {
  const because = {
    reserved: 'no server can have that address',
    'of this network': 'it is an address of this network: perhaps it wants a login first, or it lies',
    'in other use': 'within the last hour it served something else, or was the answer for another name',
    private: 'its servers were on the internet before, and this address is private',
  };
  const list = refused.map(({ name, address, why }) => `${address} for ${name} (${because[why]})`).join(', ');
  return `Not opened: ${list}. Only if you know that address to be your server’s, add it to the tunnel.`;
}

/** Addresses that a tunnel used, and that are closed again. */
export function letGoWords(
  letGo: readonly { readonly name: string; readonly address: string; readonly why: 'unused' | 'newer' }[],
): string {
  const because = { unused: 'nothing was heard of it for 30 days', newer: 'newer answers took its place' };
  const list = letGo.map(({ name, address, why }) => `${address} (for ${name}; ${because[why]})`).join(', ');
  return `No longer open to the tunnel: ${list}. The next answer for the name opens what it says.`;
}

/** Prefixes of NAT64 that only an answer on the wire has told. */
export function prefixWords(networks: readonly string[]): string | undefined {
  if (networks.length === 0) return undefined;
  return `IPv4 servers of tunnels are open behind ${networks.join(' and ')}, too: that this network calls them so came from an answer on the wire, and no handshake there has proven it.`;
}

/** What answers led to could not be opened, so that those who asked were not given them. */
export function answersWords(error: unknown): string {
  return `Answers for names are held back, for the kernel did not take where they lead: ${words(error)}.`;
}

/** More was open, or asked for, at once than there is room for. */
export function closedEarlyWords(closed: number, notGiven: number): string {
  return `More names were in use at once than there is room for: ${String(closed)} addresses were closed before their time, and ${String(notGiven)} answers not handed on. They open again with the next answer.`;
}
