// Redaction: how much of what Eve could read is kept and shown under each privacy setting (README.md, Privacy). Judging always works on
// whole names. An incident or a client is redacted when it is recorded, so no later code sees the clear value.

import { addressText, networkOf, parseAddress } from '../../wire/ip/address.ts';
import type { Kind } from '../../flow/kinds.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Rule } from '../../policy/verdict.ts';

/** How much is kept and shown: everything, hashes and networks, or only counts. */
export type Privacy = Policy['privacy'];

/** From what shows most to what shows least. */
export const PRIVACIES: readonly Privacy[] = ['full', 'redacted', 'minimal'];

/** A keyed one-way function: equal texts give equal hexadecimal digits (at least 20), and only someone with the key can test a guess. */
export type KeyedHash = (text: string) => string;

/**
 * The public suffix under which a name is registered (`co.uk`, publicsuffix.org), or '' if there is none: then any label may be a person's
 * name.
 */
export type SuffixOf = (name: string) => string;

/** In place of what `minimal` hides. */
export const HIDDEN = '(hidden)';

const HOUR_MS = 3_600_000;
/** 20 digits of 4 bits are 80 bits, so that no two names ever collide, by chance or by search. */
const DIGITS = 20;
/** A hash as this version writes it, or as earlier ones did (12 digits). */
const HASHED = /^h-(?:[0-9a-f]{20}|[0-9a-f]{12})$/;
/** The beginning of a name that this version has redacted; its public suffix follows. */
const VEILED = /^h-[0-9a-f]{20}(?:\.|$)/;
const VEILED_LENGTH = 2 + DIGITS;
/** Prefix length kept of an address: the site's network, not the machine. */
const PREFIX = { 4: 24, 6: 48 } as const;
/** Suffixes that identify nobody and are in no registry (RFC 6761, 6762, 7686, 8375; `lan` and `internal` by custom). */
const SPECIAL = /\.(home\.arpa|local|lan|internal|onion|example|test|invalid)$/;
/** The exposure of a non-IP frame: a MAC address and the frame's form. */
const FORM = /^([0-9a-f:]{17})( \((?:type 0x[0-9a-f]{4}|SNAP 0x[0-9a-f]{10}|LLC 0x[0-9a-f]{4})\))$/;
const AND_MORE = 'and more';
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** The texts of an incident that identify client, name and destination. */
export interface IncidentTexts {
  readonly client: string;
  readonly exposure: string;
  readonly destination: string;
  readonly why: string;
}

/** Redacts texts and times under one privacy setting; '' stays ''. Does not throw. */
export class Redaction {
  readonly privacy: Privacy;
  readonly #hash: KeyedHash;
  readonly #suffixOf: SuffixOf;

  constructor(privacy: Privacy, hash: KeyedHash, suffixOf: SuffixOf = () => '') {
    this.privacy = privacy;
    this.#hash = hash;
    this.#suffixOf = suffixOf;
  }

  /** A host name: whole, `h-3f2a90b1c4d53f2a90b1.com` (its public suffix is kept), or hidden. A redacted name is not redacted again. */
  name(name: string): string {
    if (this.privacy === 'full' || name === '') return name;
    if (this.privacy === 'minimal') return HIDDEN;
    const suffix = SPECIAL.exec(name)?.[1] ?? this.#suffixOf(name);
    const kept = suffix === '' || suffix === name ? '' : `.${suffix}`;
    if (VEILED.test(name) && name.slice(VEILED_LENGTH) === kept) return name;
    return `${this.#digits(name)}${kept}`;
  }

  /**
   * An IP address: whole, its network (/24 of IPv4, /48 of IPv6: `203.0.113.0/24`), or hidden. Any other text is treated as an identity.
   */
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

  /** Something that identifies one machine (MAC address, host name, DHCP client id): whole, its hash, or hidden. */
  identity(text: string): string {
    if (this.privacy === 'full' || text === '') return text;
    return this.privacy === 'minimal' ? HIDDEN : this.#digits(text);
  }

  /** A name, an IP address or a MAC address, whichever the text is. Leakguard's own placeholders, such as `(many others)`, stay under `redacted`. */
  exposure(text: string): string {
    if (this.privacy === 'redacted' && isPlaceholder(text)) return text;
    // A frame's form identifies nobody; of several multicast groups each is redacted by itself.
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

  /** A wall-clock time, milliseconds; `minimal` keeps only the hour (UTC). */
  time(wall: number): number {
    return shownTime(this.privacy, wall);
  }

  /** An incident's texts, redacted. The reason is composed anew from the redacted parts, because free text may contain anything. */
  incident(kind: Kind, rule: Rule, clear: IncidentTexts): IncidentTexts {
    if (this.privacy === 'full') return clear;
    if (this.privacy === 'minimal') {
      return {
        client: '',
        exposure: HIDDEN,
        destination: '',
        why: `${kind} outside the tunnel, rule ${rule}`,
      };
    }
    const exposure = this.exposure(clear.exposure);
    const destination = this.exposure(clear.destination);
    const what = exposure === destination || exposure === '' ? kind : `${kind} for ${exposure}`;
    const where = destination === '' ? '' : ` to ${destination}`;
    return {
      client: this.identity(clear.client),
      exposure,
      destination,
      why: `${what}${where}, outside the tunnel, rule ${rule}`,
    };
  }

  #digits(text: string): string {
    return `h-${this.#hash(text).slice(0, DIGITS)}`;
  }
}

/** A wall-clock time (milliseconds) as this privacy setting shows it; `minimal` rounds down to the hour. */
export function shownTime(privacy: Privacy, wall: number): number {
  return privacy === 'minimal' ? wall - (wall % HOUR_MS) : wall;
}

/** Whether an identity is already hashed. */
export function isHashed(identity: string): boolean {
  return HASHED.test(identity);
}

/** Whether a text is the list of multicast groups of one membership report. */
function isGroups(text: string): boolean {
  const groups = text.split(', ');
  return (
    groups.length > 1 && groups.every((group) => group === AND_MORE || parseAddress(group) !== undefined)
  );
}

/** Whether a text is one of Leakguard's placeholders for a name. */
function isPlaceholder(text: string): boolean {
  return text.startsWith('(') && text.endsWith(')') && /^\([a-z ]+\)$/.test(text);
}
