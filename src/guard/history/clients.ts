// The devices behind lan: what each says about itself and which addresses it used. Eve reads all of it from essential traffic alone.
// RFC 2132 (options 12, 50, 55, 60, 61), RFC 3748 (identity), RFC 7844 (what identifies a client).

import { addressText, isGroup, macText } from '../../wire/ip/address.ts';
import type { ClientView } from '../../api/past.ts';
import type { Identity } from '../../flow/parsed-packet.ts';
import type { Observation } from '../observation.ts';
import { isHashed } from './privacy.ts';
import type { Redaction } from './privacy.ts';

const CLIENTS = 256;
/** A client that was seen for so long is known: passing ones make room before it. Milliseconds. */
const KNOWN_MS = 60_000;
const ADDRESSES = 16;
/** A client that goes on sending is told again after this time, so that its record says when it was last seen. Milliseconds. */
const TELL_MS = 60_000;
/** The locally administered bit of IEEE 802: the address is random, as systems choose it for privacy. */
const LOCAL_BIT = 0x02_00_00_00_00_00;

/** The vendor of a MAC address (lower case with colons) by its prefix; undefined when the prefix is not registered. */
export type VendorOf = (mac: string) => string | undefined;

interface Client {
  readonly id: string;
  readonly vendor: string | null;
  readonly randomised: boolean;
  hostName: string | null;
  vendorClass: string | null;
  fingerprint: string | null;
  account: string | null;
  previousAddresses: readonly string[];
  addresses: readonly string[];
  readonly first: number;
  last: number;
  /** When it was last told; undefined: not by this process. */
  told?: number;
}

/** The clients, at most 256. Times are wall-clock milliseconds. */
export class ClientBook {
  readonly #vendorOf: VendorOf;
  /** Longest silent first. */
  readonly #clients = new Map<string, Client>();
  /** Those that are not known yet. A machine that makes up MAC addresses creates only these. */
  readonly #passing = new Set<Client>();
  /** Number of clients that were dropped because there were too many. */
  forgotten = 0;
  /** Applies to what is recorded from now on. */
  redaction: Redaction;

  constructor(vendorOf: VendorOf, redaction: Redaction) {
    this.#vendorOf = vendorOf;
    this.redaction = redaction;
  }

  /**
   * Takes what a client sent, or a lease that it was given; returns the client's id if its record is to be stored again, else undefined. Under
   * `minimal` nothing is kept.
   */
  take(observation: Observation, wall: number): string | undefined {
    const { packet, client: mac } = observation;
    const { offer } = packet.findings;
    if (observation.direction === 'down' && offer?.client !== undefined && offer.address !== undefined)
      return this.#leased(offer.client, offer.address);
    if (observation.direction !== 'up' || observation.folded || isGroup(mac) || mac === 0) return undefined;
    if (this.redaction.privacy === 'minimal') return undefined;
    const id = this.redaction.identity(macText(mac));
    const known = this.#clients.get(id);
    const client = known ?? this.#newClient(id, mac, wall);
    this.#hear(id, client, Math.max(client.first, wall));
    const address = packet.ipVersion === 0 ? '' : addressText(packet.ipVersion, packet.source);
    const isNewAddress = address !== '' && !isUnspecified(address) && this.#add(client, 'addresses', address);
    const { identity } = packet.findings;
    const isNewIdentity = identity !== undefined && this.#identify(client, identity);
    const isDue = Math.abs(wall - (client.told ?? wall - TELL_MS)) >= TELL_MS;
    if (known !== undefined && !isNewAddress && !isNewIdentity && !isDue) return undefined;
    client.told = wall;
    return id;
  }

  /** An address that the client asked for and was given is its own here. Nothing else that the network says is believed. */
  #leased(mac: number, address: string): string | undefined {
    const id = this.redaction.identity(macText(mac));
    const client = this.#clients.get(id);
    const asked = client?.previousAddresses.includes(this.redaction.address(address)) === true;
    return client !== undefined && asked && this.#add(client, 'addresses', address) ? id : undefined;
  }

  /** Restores a client that an earlier process stored; one that is known here already stays as it is. */
  restore(view: ClientView): void {
    const [first, last] = [Date.parse(view.first), Date.parse(view.last)];
    if (this.#clients.get(view.id) === undefined) this.#hear(view.id, { ...view, first, last }, last);
  }

  /** Empties the book. */
  forgetAll(): void {
    this.#clients.clear();
    this.#passing.clear();
  }

  /** The client with this id (its MAC address, or a hash of it); undefined when it is not known. */
  get(id: string): ClientView | undefined {
    const client = this.#clients.get(id);
    return client === undefined ? undefined : viewOf(client);
  }

  /** All clients, last seen first. */
  list(): ClientView[] {
    return [...this.#clients.values()].sort((a, b) => b.last - a.last).map(viewOf);
  }

  /** Makes the client the last heard. The passing client heard longest ago makes room, or if all are known, the one silent longest. */
  #hear(id: string, client: Client, wall: number): void {
    client.last = wall;
    this.#passing.delete(client);
    if (!this.#clients.delete(id) && this.#clients.size >= CLIENTS) {
      const [passing] = this.#passing;
      const [silent] = this.#clients.values();
      const dropped = passing ?? silent;
      if (dropped !== undefined) {
        this.#clients.delete(dropped.id);
        this.#passing.delete(dropped);
        this.forgotten += 1;
      }
    }
    this.#clients.set(id, client);
    if (client.last - client.first < KNOWN_MS) this.#passing.add(client);
  }

  #newClient(id: string, mac: number, wall: number): Client {
    const randomised = Math.floor(mac / LOCAL_BIT) % 2 === 1;
    // A vendor narrows a device down: only `full` keeps it.
    const vendor =
      randomised || this.redaction.privacy !== 'full' ? null : (this.#vendorOf(macText(mac)) ?? null);
    const unknown = { hostName: null, vendorClass: null, fingerprint: null, account: null };
    return {
      id,
      vendor,
      randomised,
      ...unknown,
      previousAddresses: [],
      addresses: [],
      first: wall,
      last: wall,
    };
  }

  #identify(client: Client, identity: Identity): boolean {
    let isNew = false;
    for (const field of ['hostName', 'vendorClass', 'fingerprint', 'account'] as const) {
      const text = this.redaction.identity(identity[field] ?? '');
      if (text === '' || client[field] === text) continue;
      client[field] = text;
      isNew = true;
    }
    const { previousAddress } = identity;
    if (previousAddress === undefined) return isNew;
    return this.#add(client, 'previousAddresses', previousAddress) || isNew;
  }

  #add(client: Client, list: 'addresses' | 'previousAddresses', address: string): boolean {
    const shown = this.redaction.address(address);
    if (client[list].includes(shown)) return false;
    client[list] = [shown, ...client[list]].slice(0, ADDRESSES);
    return true;
  }
}

/** A client as another privacy setting shows it; what is hashed already stays so. Undefined for `minimal`, which keeps none. */
export function redactedClient(client: ClientView, redaction: Redaction): ClientView | undefined {
  if (redaction.privacy === 'full') return client;
  if (redaction.privacy === 'minimal') return undefined;
  if (isHashed(client.id)) return client;
  const identity = (text: string | null): string | null => (text === null ? null : redaction.identity(text));
  return {
    ...client,
    id: redaction.identity(client.id),
    vendor: null,
    hostName: identity(client.hostName),
    vendorClass: identity(client.vendorClass),
    fingerprint: identity(client.fingerprint),
    account: identity(client.account),
    previousAddresses: [...new Set(client.previousAddresses.map((address) => redaction.address(address)))],
    addresses: [...new Set(client.addresses.map((address) => redaction.address(address)))],
  };
}

/**
 * All clients as another privacy setting shows them, in the order given: records made under different settings may be the same client, and
 * become one. `clients` come last seen first.
 */
export function shownClients(clients: readonly ClientView[], redaction: Redaction): readonly ClientView[] {
  const byId = new Map<string, ClientView>();
  for (const client of clients.flatMap((one) => redactedClient(one, redaction) ?? [])) {
    const newer = byId.get(client.id);
    byId.set(client.id, newer === undefined ? client : joined(newer, client));
  }
  return [...byId.values()]
    .map((client) => ({ ...client, ...earlier(client) }))
    .sort((a, b) => b.last.localeCompare(a.last));
}

function joined(newer: ClientView, older: ClientView): ClientView {
  const both = (one: readonly string[], other: readonly string[]): readonly string[] =>
    [...new Set([...one, ...other])].slice(0, ADDRESSES);
  return {
    ...newer,
    hostName: newer.hostName ?? older.hostName,
    vendorClass: newer.vendorClass ?? older.vendorClass,
    fingerprint: newer.fingerprint ?? older.fingerprint,
    account: newer.account ?? older.account,
    previousAddresses: both(newer.previousAddresses, older.previousAddresses),
    addresses: both(newer.addresses, older.addresses),
    first: newer.first < older.first ? newer.first : older.first,
    last: newer.last > older.last ? newer.last : older.last,
  };
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function viewOf(client: Client): ClientView {
  const { id, vendor, randomised, hostName, vendorClass, fingerprint, account, first, last } = client;
  return {
    ...{ id, vendor, randomised, hostName, vendorClass, fingerprint, account },
    ...earlier(client),
    first: new Date(first).toISOString(),
    last: new Date(last).toISOString(),
  };
}

/** An address that the client uses here is no earlier one, although it asked for it before it used it. */
function earlier({
  previousAddresses,
  addresses,
}: Pick<ClientView, 'previousAddresses' | 'addresses'>): Pick<ClientView, 'previousAddresses' | 'addresses'> {
  return {
    previousAddresses: previousAddresses.filter((address) => !addresses.includes(address)),
    addresses,
  };
}
