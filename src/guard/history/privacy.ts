// Knows: how much of what Eve could read is kept and shown under each privacy setting. Must not know: where it is kept or shown,
// how the hash is made. Follows README.md, Privacy. Judgement always works on whole names; the veil falls where an incident
// or a client is written down, and nothing behind that has ever seen the clear value.

import { addressText, networkOf, parseAddress } from '../../wire/ip/address.ts';
import type { Kind } from '../../flow/kinds.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Rule } from '../../policy/verdict.ts';

export type Privacy = Policy['privacy'];

export const PRIVACIES: readonly Privacy[] = ['full', 'redacted', 'minimal'];

/** A keyed one-way function: the same text gives the same hexadecimal digits, and only who has the key can compare. */
export type KeyedHash = (text: string) => string;

/** The suffix under which a name is registered (`co.uk`), or '' when no list has one: then any label may be a person's name. */
export type SuffixOf = (name: string) => string;

export const HIDDEN = '(hidden)';

const HOUR_MS = 3_600_000;
/** Of 4 bits each: 80 bits, so that no two names of a lifetime meet by chance or by search. */
const DIGITS = 20;
/** As many as this version writes, and as earlier ones wrote. */
const HASHED = /^h-(?:[0-9a-f]{20}|[0-9a-f]{12})$/;
/** How a name begins that has been through a veil of this version; what is left of its suffix follows. */
const VEILED = /^h-[0-9a-f]{20}(?:\.|$)/;
const VEILED_LENGTH = 2 + DIGITS;
/** Kept of an address: the site's network, not the machine. */
const PREFIX = { 4: 24, 6: 48 } as const;
/** Last labels that name no one, and that no registry has (RFC 6761, 6762, 7686, 8375; `lan` and `internal` by custom). */
const SPECIAL = /\.(home\.arpa|local|lan|internal|onion|example|test|invalid)$/;
/** What follows a MAC address of frames that are not IP. */
const FORM = /^([0-9a-f:]{17})( \((?:type 0x[0-9a-f]{4}|SNAP 0x[0-9a-f]{10}|LLC 0x[0-9a-f]{4})\))$/;
const AND_MORE = 'and more';
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** The texts of an incident that say who, what and where. */
export interface Telling {
  readonly client: string;
  readonly exposure: string;
  readonly destination: string;
  readonly why: string;
}

export class Redaction {
  readonly privacy: Privacy;
  readonly #hash: KeyedHash;
  readonly #suffixOf: SuffixOf;

  constructor(privacy: Privacy, hash: KeyedHash, suffixOf: SuffixOf = () => '') {
    this.privacy = privacy;
    this.#hash = hash;
    this.#suffixOf = suffixOf;
  }

  /** A host's name: whole, `h-3f2a90b1c4d53f2a90b1.com`, or hidden. One that has been through a veil already is not hidden twice. */
  name(name: string): string {
    if (this.privacy === 'full' || name === '') return name;
    if (this.privacy === 'minimal') return HIDDEN;
    const suffix = SPECIAL.exec(name)?.[1] ?? this.#suffixOf(name);
    const kept = suffix === '' || suffix === name ? '' : `.${suffix}`;
    if (VEILED.test(name) && name.slice(VEILED_LENGTH) === kept) return name;
    return `${this.#digits(name)}${kept}`;
  }

  /** An IP address: whole, its network as `203.0.113.0/24`, or hidden. What is none is treated as an identity. */
  address(text: string): string {
    if (this.privacy === 'full' || text === '') return text;
    if (this.privacy === 'minimal') return HIDDEN;
    const address = parseAddress(text);
    if (address === undefined) return this.identity(text);
    const { ipVersion, words } = address;
    const length = PREFIX[ipVersion];
    const network = networkOf(words, ipVersion === 4 ? 96 + length : length);
    return `${addressText(ipVersion, network)}/${String(length)}`;
  }

  /** What tells one machine from all others (MAC address, host name, DHCP client id). */
  identity(text: string): string {
    if (this.privacy === 'full' || text === '') return text;
    return this.privacy === 'minimal' ? HIDDEN : this.#digits(text);
  }

  /** A name, an address or a MAC address, whichever it is; texts of ours that name nothing stay. */
  exposure(text: string): string {
    if (this.privacy === 'redacted' && isPlaceholder(text)) return text;
    // A frame's form tells nobody from anybody; several groups are told as what each is.
    const form = FORM.exec(text);
    if (form !== null) return `${this.exposure(form[1] ?? '')}${form[2] ?? ''}`;
    if (isGroups(text))
      return text
        .split(', ')
        .map((group) => (group === AND_MORE ? group : this.address(group)))
        .join(', ');
    if (parseAddress(text) !== undefined) return this.address(text);
    return MAC.test(text) ? this.identity(text) : this.name(text);
  }

  /** Wall clock, milliseconds: minimal knows only the hour. */
  time(wall: number): number {
    return shownTime(this.privacy, wall);
  }

  /** The reason is written anew from what is left: free text may hold anything. `told` keeps texts that name nothing. */
  incident(kind: Kind, rule: Rule, told: Telling): Telling {
    if (this.privacy === 'full') return told;
    if (this.privacy === 'minimal') {
      return {
        client: '',
        exposure: HIDDEN,
        destination: '',
        why: `${kind} outside the tunnel, rule ${rule}`,
      };
    }
    const exposure = this.exposure(told.exposure);
    const destination = this.exposure(told.destination);
    const what = exposure === destination || exposure === '' ? kind : `${kind} for ${exposure}`;
    const where = destination === '' ? '' : ` to ${destination}`;
    return {
      client: this.identity(told.client),
      exposure,
      destination,
      why: `${what}${where}, outside the tunnel, rule ${rule}`,
    };
  }

  #digits(text: string): string {
    return `h-${this.#hash(text).slice(0, DIGITS)}`;
  }
}

/** What may be told of a time: wall clock, milliseconds. */
export function shownTime(privacy: Privacy, wall: number): number {
  return privacy === 'minimal' ? wall - (wall % HOUR_MS) : wall;
}

/** Whether an identity has been through a veil. */
export function isHashed(identity: string): boolean {
  return HASHED.test(identity);
}

/** Groups that one report has named. */
function isGroups(text: string): boolean {
  const groups = text.split(', ');
  return (
    groups.length > 1 && groups.every((group) => group === AND_MORE || parseAddress(group) !== undefined)
  );
}

/** Texts of ours that stand where a name would. */
function isPlaceholder(text: string): boolean {
  return text.startsWith('(') && text.endsWith(')') && /^\([a-z ]+\)$/.test(text);
}
