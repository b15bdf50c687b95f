// Saves what must survive a restart of the daemon but not of the box: learned addresses, passes and watched addresses. The file is in the
// runtime directory (memory); times are monotonic milliseconds since this boot. A file from another boot, or an invalid one, is ignored:
// the box then lets less through.

import { join } from 'node:path';
import type { Exposure } from '../../../src/guard/answers/correlation.ts';
import type { LearnerRecord } from '../../../src/guard/answers/learner.ts';
import { parseNetwork } from '../../../src/guard/attacks/networks.ts';
import { parseAddress, parseMac } from '../../../src/wire/ip/address.ts';
import { bootId } from '../../os/boot-id.ts';
import { readRegularFile } from '../../os/regular-file.ts';
import { writeDurable } from '../../os/durable-file.ts';
import type { OpenPass } from './box-state.ts';

/** What is saved; times are monotonic milliseconds. */
export interface SessionRecord {
  readonly learner: LearnerRecord;
  readonly passes: readonly OpenPass[];
  /** The protected names for which the kernel's sets were filled (`protectedNames`). */
  readonly names: string;
  /** Addresses that the rules watch (rule D). */
  readonly exposed: readonly Exposure[];
}

const FILE = 'session.json';

/**
 * Replaces the session file (session.json) durably, marked with this boot (`bootId`); times in it are CLOCK_MONOTONIC milliseconds, which a
 * boot makes worthless. Throws file system errors; the old file then stays.
 */
export function writeSession(runtimeDir: string, record: SessionRecord): void {
  writeDurable(join(runtimeDir, FILE), JSON.stringify({ boot: bootId(), ...record }));
}

/** The record of an earlier process of this boot; undefined when there is no such file, or any value in it is invalid. Never throws. */
export function readSession(runtimeDir: string): SessionRecord | undefined {
  try {
    const value = JSON.parse(readRegularFile(join(runtimeDir, FILE))) as Record<string, unknown>;
    if (value['boot'] !== bootId()) return undefined;
    const learner = value['learner'] as Record<string, unknown>;
    const whole =
      isListOf(learner['addresses'], ['name', 'address']) &&
      isListOf(learner['servers'], ['address', 'mac']) &&
      isListOf(learner['resolvers'], ['address']) &&
      isListOf(learner['prefixes'] ?? [], ['network']) &&
      isNeighbourhood(learner['neighbourhood']) &&
      typeof value['names'] === 'string' &&
      isListOf(value['passes'], []) &&
      isListOf(value['exposed'], ['address', 'name']) &&
      (value['exposed'] as { client?: unknown }[]).every(
        ({ client }) => client === undefined || isValid('mac', client),
      );
    return whole ? (value as unknown as SessionRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isNeighbourhood(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { leases, routers, own, asked, own6, links } = value as Record<string, unknown>;
  const hasMac = (entry: unknown): boolean => Number.isInteger((entry as { mac?: unknown }).mac);
  const ofClients = [leases, own, asked, own6].every(
    (list) => isListOf(list, ['address']) && list.every(hasMac),
  );
  if (!ofClients || !isListOf(routers, ['address']) || !isListOf(links, ['network'])) return false;
  return (leases as { near?: unknown }[]).every(
    ({ near }) => Array.isArray(near) && near.every((address) => isValid('address', address)),
  );
}

/** Every value goes into the text of the ruleset, so each is checked. */
function isValid(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (name === 'address') return parseAddress(value) !== undefined;
  if (name === 'network') return parseNetwork(value) !== undefined;
  return name !== 'mac' || parseMac(value) !== undefined;
}

function isListOf(value: unknown, texts: readonly string[]): value is unknown[] {
  if (!Array.isArray(value)) return false;
  return (value as unknown[]).every((entry) => {
    if (typeof entry !== 'object' || entry === null) return false;
    const fields = entry as Record<string, unknown>;
    return Number.isFinite(fields['until']) && texts.every((name) => isValid(name, fields[name]));
  });
}
