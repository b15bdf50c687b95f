// Watches the policy's tunnels: whether each is alive, which server answered, and how long it was silent.

import { tunnelWords } from '../../policy/servers/anywhere.ts';
import { tunnelEndpoints } from '../../policy/servers/hosts.ts';
import type { Policy } from '../../policy/policy.ts';
import type { KernelSums } from '../account/counters.ts';
import { BoundedMap } from '../bounded-map.ts';
import { GapWatch } from './gaps.ts';
import type { Gap } from './gaps.ts';
import type { Incident } from '../incidents/incidents.ts';
import type { Now } from '../now.ts';
import { TunnelLiveness } from './liveness.ts';
import type { Handshake, Observation } from '../observation.ts';
import type { TunnelView } from '../../api/status.ts';

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

/** The state of all tunnels of the policy. `monotonic` is in milliseconds. */
export class TunnelWatch {
  #tunnels: readonly {
    readonly tunnel: Policy['tunnels'][number];
    /** Its endpoints as the policy writes them, in order. */
    readonly endpoints: ReadonlySet<string>;
    /** Host names among them. */
    readonly names: ReadonlySet<string>;
    readonly limits: Pick<TunnelView, 'limits'>;
    readonly liveness: TunnelLiveness;
    readonly gaps: GapWatch;
  }[] = [];
  /** Names of tunnels whose server has answered a handshake since its address last changed. */
  readonly #proven = new Set<string>();
  /** By endpoint, the address that answered; the latest last. By endpoint, so that it is kept when a policy renames the tunnel. */
  readonly #servers = new BoundedMap<string>(SERVERS);
  #counting = false;

  /** Watches the tunnels of this policy from scratch. */
  setPolicy(policy: Policy): void {
    const texts = policy.tunnels.map(() => new Set<string>());
    for (const { tunnel, text } of tunnelEndpoints(policy)) texts[tunnel]?.add(text);
    this.#tunnels = policy.tunnels.map((tunnel, index) => ({
      tunnel,
      endpoints: texts[index] ?? new Set(),
      names: new Set(tunnel.endpoints.filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host)),
      limits: limitsView(tunnel),
      liveness: new TunnelLiveness(),
      gaps: new GapWatch(tunnel.name),
    }));
    this.#counting = false;
  }

  /** Takes the kernel's counts for each tunnel, by index in the policy; counting starts at the first reading. */
  read(sums: KernelSums, now: Now): void {
    for (const [index, { liveness, gaps }] of this.#tunnels.entries()) {
      const { up = 0, down = 0 } = sums.tunnels[index] ?? {};
      if (this.#counting) liveness.read(up, down, now);
      else liveness.baseline(up, down);
      gaps.read(up, down, now);
    }
    this.#counting = true;
  }

  /** Takes handshakes that tunnels' servers answered. */
  answered(handshakes: readonly Handshake[] = [], now: Now): void {
    for (const { tunnel: name, endpoint, address, at } of handshakes) {
      this.#servers.set(endpoint, address);
      const wall = now.wall - Math.max(0, Math.round(now.monotonic - at));
      for (const { tunnel, gaps } of this.#tunnels) if (tunnel.name === name) gaps.answered(wall);
      this.#proven.add(name);
    }
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

  /** Silences in which something escaped or the server did not answer, newest first within each tunnel. */
  gaps(monotonic: number): Gap[] {
    return this.#tunnels.flatMap(({ gaps }) => gaps.list(monotonic));
  }

  /** Host names of endpoints whose tunnel is alive. */
  namesInUse(monotonic: number): Set<string> {
    const alive = this.#tunnels.filter(({ liveness }) => liveness.at(monotonic) === 'up');
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

  /** The tunnels as the status shows them, in the order of the policy. `shownTime`: redacts a wall-clock time as privacy requires. */
  views({ monotonic, wall }: Now, shownTime: (wall: number) => number = (time) => time): TunnelView[] {
    return this.#tunnels.map(({ tunnel, endpoints, names, limits, liveness }) => {
      const [first = ''] = endpoints;
      let inUse: string | undefined;
      for (const [endpoint] of this.#servers) if (endpoints.has(endpoint)) inUse = endpoint;
      const seen = liveness.lastSeen;
      return {
        name: tunnel.name,
        protocol: tunnel.protocol,
        endpoint: inUse ?? first,
        server: inUse === undefined ? null : (this.#servers.get(inUse) ?? null),
        endpoints: endpoints.size,
        state: liveness.at(monotonic),
        lastSeen: seen === undefined ? null : new Date(shownTime(seen)).toISOString(),
        ...limits,
        ...(tunnel.listed === undefined ? {} : listView(tunnel.listed, tunnel.protocol, wall)),
        ...(names.size > 0
          ? { source: 'answer', proven: this.#proven.has(tunnel.name) }
          : { source: 'policy', proven: true }),
      };
    });
  }
}
