// Watches the policy's tunnels: whether each is alive, which server answered, and how long it was silent.

import { tunnelWords } from '../../policy/servers/anywhere.ts';
import { tunnelEndpoints } from '../../policy/servers/hosts.ts';
import type { Policy } from '../../policy/policy.ts';
import type { KernelSums } from '../account/counters.ts';
import { explainedBy } from './explained.ts';
import { BoundedMap } from '../bounded-map.ts';
import { GapWatch } from './gaps.ts';
import type { Gap } from './gaps.ts';
import type { Incident } from '../incidents/incidents.ts';
import type { Now } from '../now.ts';
import { isAlive, TunnelLiveness } from './liveness.ts';
import type { Attempt, Handshake, Observation } from '../observation.ts';
import type { ServerView, TunnelView } from '../../api/status.ts';

/** Days after which a server list counts as old: onion routers come and go every week. */
const LIST_DAYS = { tor: 7, others: 30 };

function listView(listed: string, protocol: string, wall: number): Pick<TunnelView, 'listed' | 'listIsOld'> {
  const days = (wall - Date.parse(listed)) / 86_400_000;
  return { listed, listIsOld: days > (protocol === 'tor' ? LIST_DAYS.tor : LIST_DAYS.others) };
}

function limitsView(tunnel: Policy['tunnels'][number]): Pick<TunnelView, 'limits'> {
  const limits = tunnelWords(tunnel);
  return limits === undefined ? {} : { limits };
}

/** Most endpoints whose server's address is remembered. */
const SERVERS = 64;
/** Endpoints of one tunnel that a status lists; a server list has thousands. */
export const SERVERS_LISTED = 16;

/** What was seen of an endpoint's server. */
interface Seen {
  /** The address that answered. */
  readonly address: string;
  /** Wall clock of the last handshake that it answered, milliseconds. */
  readonly at: number;
}

interface WatchedTunnel {
  readonly tunnel: Policy['tunnels'][number];
  /** Its endpoints as the policy writes them, in order. */
  readonly endpoints: ReadonlySet<string>;
  /** Host names among them. */
  readonly names: ReadonlySet<string>;
  readonly limits: Pick<TunnelView, 'limits'>;
  readonly liveness: TunnelLiveness;
  readonly gaps: GapWatch;
}

/** Whether it is the tunnel that was watched: of the same protocol, with an endpoint in common. */
function isSame(
  known: WatchedTunnel,
  { protocol }: Policy['tunnels'][number],
  endpoints: ReadonlySet<string>,
): boolean {
  return (
    known.tunnel.protocol === protocol && [...endpoints].some((endpoint) => known.endpoints.has(endpoint))
  );
}

/** The state of all tunnels of the policy. `monotonic` is in milliseconds. */
export class TunnelWatch {
  #tunnels: readonly WatchedTunnel[] = [];
  /** Names of tunnels whose server has answered a handshake since its address last changed. */
  readonly #proven = new Set<string>();
  /** By endpoint, who answered; the latest last. By endpoint, so that it is kept when a policy renames the tunnel. */
  readonly #servers = new BoundedMap<Seen>(SERVERS);
  /** By endpoint, since when it has been trusted (wall clock, milliseconds); those of the first policy always were. */
  #trustedSince: ReadonlyMap<string, number> = new Map();
  #counting = false;

  /**
   * Watches the tunnels of this policy. What was seen of a tunnel is kept as long as the endpoint that it was seen of is trusted: a policy
   * that adds or renames a tunnel, or changes something else, makes nothing unseen.
   */
  setPolicy(policy: Policy, wall = -Infinity): void {
    const texts = policy.tunnels.map(() => new Set<string>());
    for (const { tunnel, text } of tunnelEndpoints(policy)) texts[tunnel]?.add(text);
    const known = this.#trustedSince;
    this.#trustedSince = new Map(
      texts.flatMap((endpoints) => [...endpoints].map((text) => [text, known.get(text) ?? wall] as const)),
    );
    const left = new Set(this.#tunnels);
    const tunnels = policy.tunnels.map((tunnel, index) => ({ tunnel, endpoints: texts[index] ?? new Set() }));
    // Those that keep their name choose first: an endpoint may have moved from one tunnel to another.
    const before = new Map(
      [true, false].flatMap((byName) =>
        tunnels.flatMap(({ tunnel, endpoints }) => {
          const known = [...left].find(
            (old) => isSame(old, tunnel, endpoints) && (old.tunnel.name === tunnel.name) === byName,
          );
          if (known !== undefined) left.delete(known);
          return known === undefined ? [] : [[tunnel, known] as const];
        }),
      ),
    );
    this.#tunnels = tunnels.map(({ tunnel, endpoints }) => {
      const known = before.get(tunnel);
      const used = known === undefined ? undefined : this.#inUse(known.endpoints);
      // Whose frames they were is known: that server is no longer trusted.
      const isGone = used !== undefined && !endpoints.has(used);
      known?.gaps.rename(tunnel.name);
      return {
        tunnel,
        endpoints,
        names: new Set(tunnel.endpoints.filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host)),
        limits: limitsView(tunnel),
        liveness: known === undefined || isGone ? new TunnelLiveness(tunnel.protocol) : known.liveness,
        gaps: known?.gaps ?? new GapWatch(tunnel.name),
      };
    });
    for (const [{ name }, known] of before)
      if (known.tunnel.name !== name && this.#proven.delete(known.tunnel.name)) this.#proven.add(name);
    for (const name of this.#proven)
      if (!policy.tunnels.some((tunnel) => tunnel.name === name)) this.#proven.delete(name);
    for (const [endpoint] of [...this.#servers])
      if (!texts.some((endpoints) => endpoints.has(endpoint))) this.#servers.delete(endpoint);
    this.#counting = false;
  }

  /** The one of these endpoints whose server answered last. */
  #inUse(endpoints: ReadonlySet<string>): string | undefined {
    let used: string | undefined;
    for (const [endpoint] of this.#servers) if (endpoints.has(endpoint)) used = endpoint;
    return used;
  }

  /** Takes the kernel's counts for each tunnel, by index in the policy; counting starts at the first reading. */
  read(sums: KernelSums, now: Now): void {
    for (const [index, { liveness, gaps }] of this.#tunnels.entries()) {
      const { up = 0, down = 0 } = sums.tunnels[index] ?? {};
      if (this.#counting) {
        const kept = liveness.read(up, down, now);
        gaps.read(up, down, now, { kept, unanswered: liveness.isUnanswered(now.monotonic) });
      } else {
        liveness.baseline(up, down);
        gaps.baseline(up, down, now);
      }
    }
    this.#counting = true;
  }

  /** Takes handshakes that tunnels' servers answered. */
  answered(handshakes: readonly Handshake[] = [], now: Now): void {
    for (const { tunnel: name, endpoint, address, at } of handshakes) {
      const wall = now.wall - Math.max(0, Math.round(now.monotonic - at));
      this.#servers.set(endpoint, { address, at: wall });
      for (const { tunnel, gaps } of this.#tunnels) if (tunnel.name === name) gaps.answered(wall);
      this.#proven.add(name);
    }
  }

  /** Takes handshakes that clients began. */
  attempted(attempts: readonly Attempt[] = []): void {
    for (const { tunnel: name, at } of attempts)
      for (const { tunnel, liveness } of this.#tunnels) if (tunnel.name === name) liveness.attempted(at);
  }

  /** A server's host name resolves to another address now: that server is not proven yet. */
  moved(host: string): void {
    for (const { tunnel, names } of this.#tunnels) if (names.has(host)) this.#proven.delete(tunnel.name);
  }

  /** Takes frames of an incident that left outside the tunnels; only red ones matter. */
  escaped({ id, rule, exposure, severity }: Incident, { frames, first }: Observation, now: Now): void {
    if (severity !== 'red') return;
    // When the tap saw it, without the time until its report was read.
    const wall = now.wall - Math.max(0, Math.round(now.monotonic - first));
    for (const { gaps } of this.#tunnels) gaps.escaped({ incident: id, rule, exposure }, frames, wall);
  }

  /** Unacknowledged incidents that were this tunnel's own traffic before it was trusted (explained.ts); undefined: there is no such tunnel. */
  explained(name: string, incidents: Iterable<Incident>): readonly Incident[] | undefined {
    const tunnel = this.#tunnels.find((known) => known.tunnel.name === name)?.tunnel;
    return (
      tunnel && explainedBy(tunnel, incidents, this.#trustedSince, (text) => this.#servers.get(text)?.address)
    );
  }

  /** Silences in which something escaped or the server did not answer, newest first within each tunnel. */
  gaps(monotonic: number): Gap[] {
    return this.#tunnels.flatMap(({ gaps }) => gaps.list(monotonic));
  }

  /** Host names of endpoints whose tunnel is alive. */
  namesInUse(monotonic: number): Set<string> {
    const alive = this.#tunnels.filter(({ liveness }) => isAlive(liveness.at(monotonic)));
    return new Set(alive.flatMap(({ names }) => [...names]));
  }

  /** Endpoints of the policy whose servers have answered, the latest last. */
  endpointsInUse(): readonly string[] {
    const answered = [...this.#servers].map(([endpoint]) => endpoint);
    return answered.filter((text) => this.#tunnels.some(({ endpoints }) => endpoints.has(text)));
  }

  /** Whether a silent tunnel has come up after monotonic milliseconds `since`. */
  cameUpSince(since: number): boolean {
    return this.#tunnels.some(({ liveness }) => liveness.cameUpAt > since);
  }

  /**
   * The tunnels as the status shows them, each with at most `listed` of its endpoints. `shownTime`: redacts a wall-clock time as privacy
   * requires.
   */
  views(
    { monotonic, wall }: Now,
    shownTime: (wall: number) => number = (time) => time,
    listed = SERVERS_LISTED,
  ): TunnelView[] {
    const shown = (seen: number | undefined): string | null =>
      seen === undefined ? null : new Date(shownTime(seen)).toISOString();
    return this.#tunnels.map(({ tunnel, endpoints, names, limits, liveness }) => {
      const [first = ''] = endpoints;
      const inUse = this.#inUse(endpoints);
      // Frames are counted by tunnel: they are those of its only endpoint, or of the one that answered last.
      const counted = endpoints.size === 1 ? first : inUse;
      const heardOf = (endpoint: string): number | undefined =>
        endpoint === counted ? liveness.lastSeen : undefined;
      const isSeen = (endpoint: string): boolean =>
        this.#servers.get(endpoint) !== undefined || heardOf(endpoint) !== undefined;
      const all = [...endpoints];
      // If not all fit, those that were seen are not the ones that are left out.
      const fitting =
        all.length <= listed
          ? all
          : [...all.filter(isSeen), ...all.filter((endpoint) => !isSeen(endpoint))].slice(0, listed);
      const servers = fitting.map((endpoint): ServerView => {
        const seen = this.#servers.get(endpoint);
        const heard = heardOf(endpoint);
        const last = seen === undefined ? heard : Math.max(seen.at, heard ?? -Infinity);
        return { endpoint, server: seen?.address ?? null, lastSeen: shown(last) };
      });
      return {
        name: tunnel.name,
        protocol: tunnel.protocol,
        endpoint: inUse ?? first,
        server: inUse === undefined ? null : (this.#servers.get(inUse)?.address ?? null),
        endpoints: endpoints.size,
        servers,
        state: liveness.at(monotonic),
        lastSeen: shown(liveness.lastSeen),
        ...limits,
        ...(tunnel.listed === undefined ? {} : listView(tunnel.listed, tunnel.protocol, wall)),
        ...(names.size > 0
          ? { source: 'answer', proven: this.#proven.has(tunnel.name) }
          : { source: 'policy', proven: true }),
      };
    });
  }
}
