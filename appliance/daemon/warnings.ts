// What is wrong right now, as sentences for the owner: one per topic.

import type { Logger } from 'pino';
import type { RefusedAnswer } from '../../src/guard/answers/learner.ts';

export class Warnings {
  readonly #log: Logger;
  readonly #byTopic = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Sets a topic's warning: logged when it is new, shown until it is cleared or replaced. */
  set(topic: string, text: string): void {
    if (this.#byTopic.get(topic) === text) return;
    this.#byTopic.set(topic, text);
    this.#log.warn({ topic }, text);
  }

  clear(topic: string): void {
    this.#byTopic.delete(topic);
  }

  /** Sets the topic's warning, or clears it when `text` is undefined. */
  put(topic: string, text: string | undefined): void {
    if (text === undefined) this.clear(topic);
    else this.set(topic, text);
  }

  /** Runs `task`; an error becomes the topic's warning until the task succeeds. */
  attempt(topic: string, failure: string, task: () => void): void {
    try {
      task();
      this.clear(topic);
    } catch (error) {
      this.set(topic, `${failure} (${errorText(error)}).`);
    }
  }

  list(): string[] {
    return [...this.#byTopic.values()];
  }
}

/** The message of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The firewall rules were changed by another program and have been restored. */
export function rulesRestoredText(found: readonly string[]): string {
  return `Another program changed the firewall rules; they have been restored: ${found.slice(0, 3).join('; ')}.`;
}

/** A periodic task failed the last time it ran. */
export function roundFailedText(round: string, error: unknown): string {
  return `The periodic task "${round}" failed and will be tried again: ${errorText(error)}.`;
}

/** Files or directories were removed or changed by another program and have been restored. */
export function putBackText(paths: readonly string[]): string {
  return `${paths.join(', ')} ${paths.length === 1 ? 'was' : 'were'} removed or changed from outside, and put back.`;
}

/** The LED is under test and must not be mistaken for the state. */
export function ledTestText(pattern: string): string {
  return `The LED is being tested (${pattern}): for a few seconds it does not show the state of the box.`;
}

/** Addresses that DNS answers had opened for a tunnel, closed again because other traffic went there. */
export function withdrawnText(
  withdrawn: readonly { readonly name: string; readonly address: string }[],
): string {
  const list = withdrawn.map(({ name, address }) => `${address} (for ${name})`).join(', ');
  return `Closed again for an hour: ${list}. The address came from a DNS answer on the wire, no handshake had proven it, and traffic other than the tunnel's went there.`;
}

/** DNS answers for tunnels' names that opened nothing: the owner learns why a tunnel does not come up. */
export function refusedText(refused: readonly RefusedAnswer[]): string {
  const because = {
    reserved: 'no server can have that address',
    'of this network':
      'it belongs to this network: perhaps the network requires a login first, or the answer is false',
    'in other use': 'within the last hour it served something else, or was the answer for another name',
    private: 'its servers were on the internet before, and this address is private',
  };
  const list = refused.map(({ name, address, why }) => `${address} for ${name} (${because[why]})`).join(', ');
  return `Not opened: ${list}. Add the address to the tunnel only if you know that it is your server’s.`;
}

/** Addresses that a tunnel used, and that are closed again. */
export function letGoText(
  letGo: readonly { readonly name: string; readonly address: string; readonly why: 'unused' | 'newer' }[],
): string {
  const because = { unused: 'not used for 30 days', newer: 'replaced by newer answers' };
  const list = letGo.map(({ name, address, why }) => `${address} (for ${name}; ${because[why]})`).join(', ');
  return `No longer open to the tunnel: ${list}. The next DNS answer for the name opens the address that it gives.`;
}

/** NAT64 prefixes (RFC 7050) that are known only from a DNS answer; undefined when there are none. */
export function prefixText(networks: readonly string[]): string | undefined {
  if (networks.length === 0) return undefined;
  return `IPv4 servers of tunnels are also open behind the NAT64 prefix ${networks.join(' and ')}: it came from a DNS answer on the wire, and no handshake has proven it yet.`;
}

/** The kernel did not open the addresses of DNS answers, so the answers were not forwarded. */
export function answersHeldText(error: unknown): string {
  return `DNS answers are held back because their addresses could not be opened: ${errorText(error)}.`;
}

/** More addresses were open, or more answers waiting, at once than there is room for. */
export function closedEarlyText(closed: number, notGiven: number): string {
  return `More names were in use at once than there is room for: ${String(closed)} addresses were closed early, and ${String(notGiven)} answers were not forwarded. They open again with the next answer.`;
}
