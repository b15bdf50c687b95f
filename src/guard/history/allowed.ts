// Traffic that went outside the tunnel because the profile allows it, by client, destination and name. It is not a leak, but Eve reads it
// all the same, so it must be shown. Kept in memory for one run of the guard, bounded and redacted (src/guard/history/privacy.ts).

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind } from '../../flow/kinds.ts';
import { opensConnection } from '../../flow/streams/opening.ts';
import { macText } from '../../wire/ip/address.ts';
import type { IncidentFilter } from './history.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import { HIDDEN } from './privacy.ts';
import type { Privacy, Redaction } from './privacy.ts';
import { FairMap, Regulars } from '../incidents/quotas.ts';
import type { AllowedRow, AllowedView, Transport } from '../../api/status.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Most rows; beyond them the client and sort with the most rows loses its oldest. */
export const ALLOWED_MOST = 2_000;
/** A name that is shown within this time after a connection began belongs to that connection, milliseconds. */
const FRESH_MS = 10_000;

interface Row {
  readonly place: string;
  readonly client: string;
  readonly destination: string;
  readonly transport: Transport;
  readonly port: number | null;
  readonly name: string;
  kind: Kind;
  connections: number;
  frames: number;
  /** Wall clock, milliseconds. */
  first: number;
  last: number;
  /** For a row without a name: connections that began a moment ago and may still show a name. */
  fresh: Fresh;
}

interface Fresh {
  /** When the newest of them began, monotonic milliseconds. */
  since: number;
  readonly first: number;
  /** The row's last frame before that, wall clock. */
  readonly before: number;
  connections: number;
  frames: number;
}

const NOT_FRESH = { since: -Infinity, first: 0, before: 0, connections: 0, frames: 0 } as const;

/** The table of allowed direct traffic, at most 2,000 rows. */
export class AllowedTraffic {
  readonly #rows = new FairMap<Row>(ALLOWED_MOST);
  readonly #regulars = new Regulars<number>();
  #privacy: Privacy | undefined;
  /** Since when the table counts, wall clock, milliseconds; undefined: since the guard started. */
  #since: number | undefined;
  #connections = 0;
  #frames = 0;
  /**
   * By place, names of the report at `#reportAt` that were shown more often than connections had begun. A report tells frames that are alike
   * together, at the first of them: it may tell of a name before it tells of the last connections that showed it.
   */
  readonly #unpaired = new Map<string, { readonly row: Row; hellos: number; readonly at: number }[]>();
  #reportAt = -Infinity;

  /** Takes frames of allowed direct traffic that left; they are kept redacted. */
  take(
    { packet, verdict, client, folded, frames, first, last }: Observation,
    now: Now,
    redaction: Redaction,
  ): void {
    if (this.#privacy !== undefined && this.#privacy !== redaction.privacy) this.#clear(now.wall);
    this.#privacy = redaction.privacy;
    this.#frames += frames;
    if (now.monotonic !== this.#reportAt) this.#unpaired.clear();
    this.#reportAt = now.monotonic;
    // Of frames that were folded only the number is known.
    if (folded) return;
    const begun = opensConnection(packet) ? frames : 0;
    this.#connections += begun;
    this.#regulars.seen(client, now.monotonic);
    const wall = (monotonic: number): number =>
      redaction.time(now.wall - Math.round(now.monotonic - monotonic));
    const name = redaction.privacy === 'minimal' ? HIDDEN : redaction.name(ownName(packet));
    const place = placeOf(packet, client, verdict.destination, redaction);
    const key = keyOf(place.text, name);
    const row = this.#rows.get(key) ?? newRow(packet, place, name, wall(first));
    const sort = row.transport === 'udp' && row.kind === 'dns' ? 'asks' : 'goes';
    this.#rows.set(key, row, `${this.#regulars.share(client)} ${sort}`);
    if (name === '' && first - row.fresh.since > FRESH_MS)
      row.fresh = { since: first, first: wall(first), before: row.last, connections: 0, frames: 0 };
    row.connections += begun;
    row.frames += frames;
    row.first = Math.min(row.first, wall(first));
    row.last = Math.max(row.last, wall(last));
    if (name === '') {
      if (begun > 0) row.fresh.since = first;
      row.fresh.connections += begun;
      row.fresh.frames += frames;
      if (begun > 0) this.#pair(place.text);
    } else {
      row.kind = packet.kind;
      if (packet.findings.names.length > 0) this.#shown(row, frames, first);
    }
  }

  /**
   * At most `limit` rows, newest first; `more` counts the others, those that have made room included. `started`: wall clock in milliseconds
   * at which the guard started. Rows recorded under another privacy are not shown.
   */
  view(redaction: Redaction, started: number, limit: number): AllowedView {
    const since = new Date(redaction.time(this.#since ?? started)).toISOString();
    if (this.#privacy !== redaction.privacy) return { since, connections: 0, frames: 0, rows: [], more: 0 };
    const newest = [...this.#rows.values()].slice(-limit).reverse();
    return {
      since,
      connections: this.#connections,
      frames: this.#frames,
      rows: newest.map(rowView),
      more: this.#rows.evicted + this.#rows.size - newest.length,
    };
  }

  /** Names connections of this place, those too that the report tells of later. */
  #shown(row: Row, hellos: number, at: number): void {
    const left = hellos - this.#name(row, hellos, at);
    if (left === 0) return;
    const waiting = this.#unpaired.get(row.place) ?? [];
    waiting.push({ row, hellos: left, at });
    this.#unpaired.set(row.place, waiting);
  }

  /** Connections began at this place: names that the same report told before them are theirs. */
  #pair(place: string): void {
    const waiting = this.#unpaired.get(place);
    while (waiting?.[0] !== undefined) {
      const [next] = waiting;
      next.hellos -= this.#name(next.row, next.hellos, next.at);
      if (next.hellos > 0) return;
      waiting.shift();
    }
  }

  /** Moves connections that began at this place a moment ago to the row of the name that they have now shown; returns how many. */
  #name(row: Row, hellos: number, at: number): number {
    const nameless = this.#rows.get(keyOf(row.place, ''));
    if (nameless === undefined || at - nameless.fresh.since > FRESH_MS) return 0;
    const { fresh } = nameless;
    const connections = Math.min(hellos, fresh.connections);
    const isAll = connections === fresh.connections;
    const frames = isAll ? fresh.frames : Math.floor((fresh.frames * connections) / fresh.connections);
    row.connections += connections;
    row.frames += frames;
    row.first = Math.min(row.first, fresh.first);
    nameless.connections -= connections;
    nameless.frames -= frames;
    fresh.connections -= connections;
    fresh.frames -= frames;
    if (isAll) {
      nameless.fresh = { ...NOT_FRESH };
      nameless.last = fresh.before;
    }
    if (nameless.frames === 0) this.#rows.delete(keyOf(row.place, ''));
    return connections;
  }

  #clear(wall: number): void {
    this.#rows.clear();
    this.#rows.evicted = 0;
    this.#connections = 0;
    this.#frames = 0;
    this.#since = wall;
  }
}

/** The rows that a query for incidents matches; undefined if it asks only for leaks. Counts are those of whole rows. */
export function allowedBy(view: AllowedView, filter: IncidentFilter): AllowedView | undefined {
  const { rule, severity, acknowledged, client, kind, since, until, text } = filter;
  if (rule !== undefined || severity !== undefined || acknowledged !== undefined) return undefined;
  if ([client, kind, since, until, text].every((value) => value === undefined)) return view;
  const isAbout = (row: AllowedRow): boolean =>
    (client === undefined || row.client === client) &&
    (kind === undefined || row.kind === kind) &&
    (since === undefined || Date.parse(row.last) >= since) &&
    (until === undefined || Date.parse(row.first) < until) &&
    (text === undefined || `${row.name} ${row.destination}`.toLowerCase().includes(text.toLowerCase()));
  const rows = view.rows.filter(isAbout);
  return {
    ...view,
    rows,
    connections: rows.reduce((sum, row) => sum + row.connections, 0),
    frames: rows.reduce((sum, row) => sum + row.frames, 0),
  };
}

function keyOf(place: string, name: string): string {
  return `${place} ${name}`;
}

interface Place {
  readonly text: string;
  readonly client: string;
  readonly destination: string;
  readonly transport: Transport;
  readonly port: number | null;
}

function placeOf(packet: ParsedPacket, mac: number, to: string, redaction: Redaction): Place {
  const transport = transportOf(packet);
  const hides = redaction.privacy === 'minimal';
  const client = hides ? '' : redaction.identity(macText(mac));
  const destination = hides ? '' : redaction.exposure(to);
  const port = !hides && packet.destinationPort >= 0 ? packet.destinationPort : null;
  // If the port is hidden or there is none, the kind distinguishes the places.
  const text = `${client} ${destination} ${transport} ${port === null ? packet.kind : String(port)}`;
  return { text, client, destination, transport, port };
}

function newRow({ kind }: ParsedPacket, { text, ...place }: Place, name: string, at: number): Row {
  return {
    ...place,
    place: text,
    name,
    kind,
    connections: 0,
    frames: 0,
    first: at,
    last: at,
    fresh: { ...NOT_FRESH },
  };
}

function rowView(row: Row): AllowedRow {
  const { client, destination, transport, port, name, kind, connections, frames } = row;
  const [first, last] = [new Date(row.first).toISOString(), new Date(row.last).toISOString()];
  return { client, destination, transport, port, name, kind, connections, frames, first, last };
}

function transportOf({ protocol }: ParsedPacket): Transport {
  if (protocol === Protocol.TCP) return 'tcp';
  if (protocol === Protocol.UDP) return 'udp';
  return protocol === Protocol.ICMP || protocol === Protocol.ICMPV6 ? 'icmp' : 'ip';
}

/** The name of the destination; not that of the page that a visitor comes from (Referer). */
function ownName({ findings, flowName }: ParsedPacket): string {
  return findings.names.find(({ via }) => via !== 'referer')?.name ?? flowName;
}
