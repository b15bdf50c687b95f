// Which addresses each client got as answers to names that it may ask for in the clear, as one tap sees them on its wire, and which
// addresses belong to protected names. Follows src/policy/filter/answered.ts. A protected name opens nothing, wherever in an answer it
// appears (RFC 1034 section 3.6.2, RFC 9460): the addresses it leads to are closed. A tap remembers a little longer than the kernel,
// never shorter.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { USED, needsAnswer } from '../../policy/filter/answered.ts';
import type { AnsweredAddress } from '../../policy/filter/answered.ts';
import { isProtected } from '../../policy/servers/names.ts';
import { noServerAddress } from '../../policy/servers/no-server.ts';
import type { Policy } from '../../policy/policy.ts';
import type { CaptureDirection } from '../../policy/verdict.ts';
import { addressText, macText, parseAddress, reverseAddress } from '../../wire/ip/address.ts';
import { Questions, keptSeconds } from './questions.ts';
import type { Lesson, ServedAddress } from '../observation.ts';
import { Protocol } from '../../wire/ip/ip.ts';

const QUESTIONS = 2_048;
const ADDRESSES_PER_ANSWER = 64;
/** Most protected names of one answer that are reported: the network can put any number of them into an answer. */
const SHOWN_PER_ANSWER = 4;
/** Addresses remembered: more than daemon and kernel hold together, so that a tap never forgets before they do. */
const REMEMBERED = 16_384;
/** How much longer a tap remembers than the kernel; around that time the two may differ. Milliseconds. */
const MORE_MS = 1_000;
const SKEW_MS = 100;

interface Open {
  /** End by the record's time to live, monotonic milliseconds. */
  until: number;
  /** End by its last use, monotonic milliseconds. */
  usedUntil: number;
}

/** The parts of a frame's verdict that matter here. */
export interface Judged {
  /** It is a question that may be asked in the clear, for another name than a tunnel's own. */
  readonly asks: boolean;
  /** The kernel's rules let it go outside the tunnel. */
  readonly passes: boolean;
}

/** One tap's memory of answered addresses, at most 16,384. Addresses are text, clients MAC addresses. */
export class AnsweredNames {
  #policy: Policy | undefined;
  #questions = new Questions(QUESTIONS);
  /** By client and address, in the order in which they were opened or renewed. */
  #open = new Map<string, Open>();
  /** A frame was judged so close to the end of an entry that the kernel may have judged it differently. */
  #unsure = false;

  /** Takes a policy; one that protects other names forgets everything opened, which may belong to a name that is protected now. */
  setPolicy(policy: Policy): void {
    const before = this.#policy;
    this.#policy = policy;
    if (before === undefined || protectedNames(before) === protectedNames(policy)) return;
    this.#questions = new Questions(QUESTIONS);
    this.#open = new Map();
  }

  /** Sets `packet.answered`; call it before the frame is judged. `now`: monotonic milliseconds. */
  recall(packet: ParsedPacket, captureDirection: CaptureDirection, now: number): void {
    packet.answered = false;
    if (this.#open.size === 0 || packet.ipVersion === 0) return;
    if (captureDirection !== 'down') packet.answered = this.#isOpen(keyOf(packet, 'up'), now);
    if (captureDirection !== 'up' && !packet.answered)
      packet.answered = this.#isOpen(keyOf(packet, 'down'), now);
  }

  /**
   * Takes a judged frame at monotonic milliseconds `now`; returns what it taught if it is an answer that its client waits for, in profile
   * split.
   */
  learn(
    packet: ParsedPacket,
    captureDirection: CaptureDirection,
    now: number,
    judged: Judged,
  ): Lesson | undefined {
    const policy = this.#policy;
    if (policy?.profile !== 'split' || packet.ipVersion === 0) return undefined;
    if (packet.answered && judged.passes && captureDirection !== 'down') this.#use(packet, now);
    if (packet.kind !== 'dns' || (packet.protocol !== Protocol.UDP && packet.protocol !== Protocol.TCP))
      return undefined;
    if (captureDirection !== 'down' && packet.destinationPort === 53 && judged.asks)
      for (const { name } of packet.findings.names)
        this.#questions.ask(packet, packet.sourceMac, name, now, true);
    return captureDirection !== 'up' && packet.sourcePort === 53
      ? this.#answer(packet, policy, now)
      : undefined;
  }

  /** Opens addresses that the daemon knows about. `now`: monotonic milliseconds. */
  give(addresses: readonly AnsweredAddress[], now: number): void {
    for (const { client, address, seconds } of addresses)
      this.#add(`${client} ${address}`, now + seconds * 1_000, now);
  }

  /** Closes addresses that the kernel no longer holds. */
  take(addresses: readonly Pick<AnsweredAddress, 'client' | 'address'>[]): void {
    for (const { client, address } of addresses) this.#open.delete(`${client} ${address}`);
  }

  /** Whether kernel and tap may have judged a frame differently since the last call. */
  takeUnsure(): boolean {
    const unsure = this.#unsure;
    this.#unsure = false;
    return unsure;
  }

  #isOpen(key: string, now: number): boolean {
    const open = this.#open.get(key);
    if (open === undefined) return false;
    const end = Math.max(open.until, open.usedUntil);
    if (now > end - SKEW_MS && now < end + 2 * MORE_MS) this.#unsure = true;
    return now < end + MORE_MS;
  }

  #use(packet: ParsedPacket, now: number): void {
    const open = this.#open.get(keyOf(packet, 'up'));
    if (open !== undefined) open.usedUntil = now + USED.seconds * 1_000;
  }

  #answer(packet: ParsedPacket, policy: Policy, now: number): Lesson | undefined {
    const asked = this.#questions.answered(packet, packet.destinationMac, now);
    if (asked === undefined) return undefined;
    const client = macText(packet.destinationMac);
    const { opened, closed, shown } = ledTo(asked, packet.findings.answers, policy);
    const lesson = {
      client,
      opened: needsAnswer(policy) ? opened.map((address) => ({ client, ...address })) : [],
      closed,
      shown: shown.slice(0, SHOWN_PER_ANSWER).map((name) => ({ name, asked })),
    };
    this.give(lesson.opened, now);
    return lesson;
  }

  #add(key: string, until: number, now: number): void {
    const known = this.#open.get(key);
    this.#open.delete(key);
    if (this.#open.size >= REMEMBERED) this.#makeRoom(now);
    this.#open.set(key, {
      until: Math.max(until, known?.until ?? 0),
      usedUntil: known?.usedUntil ?? -Infinity,
    });
  }

  #makeRoom(now: number): void {
    for (const [key, { until, usedUntil }] of this.#open)
      if (Math.max(until, usedUntil) + 2 * MORE_MS < now) this.#open.delete(key);
    const [oldest] = this.#open.keys();
    if (this.#open.size >= REMEMBERED && oldest !== undefined) this.#open.delete(oldest);
  }
}

/** The protected names of a policy as a text, equal for equal names: addresses that answers opened are valid for these names only. */
export function protectedNames({ profile, mustTunnel }: Pick<Policy, 'profile' | 'mustTunnel'>): string {
  return JSON.stringify([profile, mustTunnel]);
}

function keyOf(packet: ParsedPacket, direction: 'up' | 'down'): string {
  const [client, far] =
    direction === 'up' ? [packet.sourceMac, packet.destination] : [packet.destinationMac, packet.source];
  return `${macText(client)} ${addressText(packet.ipVersion, far)}`;
}

/** Record types whose target stands for the owner: a client that looks up the owner connects to the target. */
const STANDS_FOR: ReadonlySet<string> = new Set(['CNAME', 'DNAME', 'HTTPS', 'SVCB']);

function put(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** Tells whether a name is protected; each name is looked up once. */
function protectedBy(policy: Policy): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const held = known.get(name) ?? isProtected(name, policy);
    known.set(name, held);
    return held;
  };
}

/**
 * The names that an answer leads to from the name asked, or from a protected name beside it, each with the protected name on the way to
 * it, if there is one. Each name is visited at most twice: when it is found, and when it is found to belong to a protected name.
 */
function namesLedTo(
  asked: string,
  answers: ParsedPacket['findings']['answers'],
  isSecret: (name: string) => boolean,
): ReadonlyMap<string, string | undefined> {
  const targets = new Map<string, string[]>();
  const standing = new Map<string, string[]>();
  for (const { name, type, value } of answers) {
    if (type === 'A' || type === 'AAAA' || type === 'SOA' || parseAddress(value) !== undefined) continue;
    put(targets, name, value);
    if (STANDS_FOR.has(type)) put(standing, value, name);
  }
  const led = new Map<string, string | undefined>();
  const left: string[] = [];
  const lead = (name: string, by: string | undefined): void => {
    const secret = by ?? (isSecret(name) ? name : undefined);
    if (led.has(name) && (secret === undefined || led.get(name) !== undefined)) return;
    led.set(name, secret);
    left.push(name);
  };
  lead(asked, undefined);
  for (const owner of targets.keys()) if (isSecret(owner)) lead(owner, undefined);
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const secret = led.get(name);
    for (const target of targets.get(name) ?? []) lead(target, secret);
    if (secret === undefined) continue;
    for (const owner of standing.get(name) ?? []) if (led.has(owner)) lead(owner, secret);
  }
  return led;
}

/**
 * The addresses that an answer gives for the name asked, as canonical text: opened (at most 64, with the seconds that their records are
 * kept) if no name on the way is protected, closed otherwise; and the protected names that the answer shows. Follows RFC 1034 section 3.6.2
 * and RFC 9460; does not throw.
 */
export function ledTo(
  asked: string,
  answers: ParsedPacket['findings']['answers'],
  policy: Policy,
): {
  readonly opened: readonly { readonly address: string; readonly seconds: number }[];
  readonly closed: readonly ServedAddress[];
  readonly shown: readonly string[];
} {
  const isSecret = protectedBy(policy);
  const led = namesLedTo(asked, answers, isSecret);
  const opened = new Map<string, number>();
  const closed = new Map<string, ServedAddress>();
  for (const { name, type, value, ttl } of answers) {
    const secret = led.get(name) ?? (isSecret(name) ? name : undefined);
    const seconds = keptSeconds(ttl);
    // In a reverse lookup the question's name gives the address (RFC 1035 section 3.5, RFC 3596 section 2.5); in a classless delegation
    // the record's owner is an alias of it (RFC 2317).
    const about = reverseAddress(name) ?? (led.has(name) ? reverseAddress(asked) : undefined);
    const asksAbout = type === 'PTR' && isSecret(value) ? about : undefined;
    if (asksAbout !== undefined) closed.set(asksAbout, { address: asksAbout, name: value, seconds });
    const parsed = parseAddress(value);
    if (parsed === undefined) continue;
    const address = addressText(parsed.ipVersion, parsed.words);
    if (secret !== undefined) closed.set(address, { address, name: secret, seconds });
    else if (
      led.has(name) &&
      opened.size < ADDRESSES_PER_ANSWER &&
      noServerAddress(parsed.ipVersion, parsed.words) === undefined
    )
      opened.set(address, Math.max(seconds, opened.get(address) ?? 0));
  }
  for (const address of closed.keys()) opened.delete(address);
  const named = answers.flatMap(({ name, value }) => [name, value]);
  return {
    opened: [...opened].map(([address, seconds]) => ({ address, seconds })),
    closed: [...closed.values()],
    shown: [...new Set(named)].filter(isSecret),
  };
}
