// What is wrong right now, as sentences for the owner: one per topic.

import type { Logger } from 'pino';
import type { RefusedAnswer } from '../../src/guard/answers/learner.ts';

/** The warnings in force, by topic; page and command line list their sentences. */
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

  /** Removes a topic's warning; nothing happens without one. */
  clear(topic: string): void {
    this.#byTopic.delete(topic);
  }

  /** Sets the topic's warning, or clears it when `text` is undefined. */
  put(topic: string, text: string | undefined): void {
    if (text === undefined) this.clear(topic);
    else this.set(topic, text);
  }

  /** Runs `task`; an error becomes the topic's warning (`failure`, with the error in brackets) until the task succeeds. Never throws. */
  attempt(topic: string, failure: string, task: () => void): void {
    try {
      task();
      this.clear(topic);
    } catch (error) {
      this.set(topic, `${failure} (${errorText(error)}).`);
    }
  }

  /** The sentences, in the order in which their topics were first set. */
  list(): string[] {
    return [...this.#byTopic.values()];
  }
}

/**
 * The message of anything thrown, without stack or causes; for what is not an Error, its text (`String`). May hold what a program printed,
 * over several lines.
 */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The warning that the firewall rules were changed by another program and have been restored. `found`: the differences, of which the first
 * three are named.
 */
export function rulesRestoredText(found: readonly string[]): string {
  return `Another program changed the firewall rules; they have been restored: ${found.slice(0, 3).join('; ')}.`;
}

/**
 * The warning, one sentence, that a periodic task failed the last time it ran and will be tried again (PeriodicTasks). `round`: its name;
 * `error`: what it threw.
 */
export function roundFailedText(round: string, error: unknown): string {
  return `The periodic task "${round}" failed and will be tried again: ${errorText(error)}.`;
}

/** The warning that files or directories were removed or changed by another program and have been restored. `paths`: all of them, at least one. */
export function putBackText(paths: readonly string[]): string {
  return `${paths.join(', ')} ${paths.length === 1 ? 'was' : 'were'} removed or changed from outside, and put back.`;
}

/** The warning that the LED is under test and must not be mistaken for the state. `pattern`: the one under test. */
export function ledTestText(pattern: string): string {
  return `The LED is being tested (${pattern}): for a few seconds it does not show the state of the box.`;
}

/**
 * The warning that addresses that DNS answers had opened for a tunnel are closed again because other traffic went there. Each with the host
 * name of its tunnel.
 */
export function withdrawnText(
  withdrawn: readonly { readonly name: string; readonly address: string }[],
): string {
  const list = withdrawn.map(({ name, address }) => `${address} (for ${name})`).join(', ');
  return `Closed again for an hour: ${list}. The address came from a DNS answer on the wire, no handshake had proven it, and traffic other than the tunnel's went there.`;
}

/**
 * The warning about DNS answers for tunnels' names that opened nothing: the owner learns why a tunnel does not come up. The reasons are
 * those of src/guard/answers/learner.ts.
 */
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

/**
 * The warning about addresses that a tunnel used, and that are closed again. `unused`: not used for 30 days; `newer`: newer answers took
 * their place.
 */
export function letGoText(
  letGo: readonly { readonly name: string; readonly address: string; readonly why: 'unused' | 'newer' }[],
): string {
  const because = { unused: 'not used for 30 days', newer: 'replaced by newer answers' };
  const list = letGo.map(({ name, address, why }) => `${address} (for ${name}; ${because[why]})`).join(', ');
  return `No longer open to the tunnel: ${list}. The next DNS answer for the name opens the address that it gives.`;
}

/** The warning about NAT64 prefixes (RFC 7050) that are known only from a DNS answer, as `prefix/len`; undefined when there are none. */
export function prefixText(networks: readonly string[]): string | undefined {
  if (networks.length === 0) return undefined;
  return `IPv4 servers of tunnels are also open behind the NAT64 prefix ${networks.join(' and ')}: it came from a DNS answer on the wire, and no handshake has proven it yet.`;
}

/** The warning that the kernel did not open the addresses of DNS answers, so the answers were not forwarded. `error`: anything thrown. */
export function answersHeldText(error: unknown): string {
  return `DNS answers are held back because their addresses could not be opened: ${errorText(error)}.`;
}

/**
 * The warning that more addresses were open, or more answers waiting, at once than there is room for. Both numbers count from the daemon's
 * start.
 */
export function closedEarlyText(closed: number, notGiven: number): string {
  return `More names were in use at once than there is room for: ${String(closed)} addresses were closed early, and ${String(notGiven)} answers were not forwarded. They open again with the next answer.`;
}
