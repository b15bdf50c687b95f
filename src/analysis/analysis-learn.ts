// Learns from a capture what later frames are judged by: endpoints from handshakes, addresses from DNS answers. Only a handshake that was
// recognized with high confidence and answered makes an endpoint: neither a heuristic nor a forged packet may make a tunnel.

import { addressText, endpointText, parseAddress } from '../wire/ip/address.ts';
import type { ParsedPacket, Recognition } from '../flow/parsed-packet.ts';
import { isPrivate, parseNetwork } from '../guard/attacks/networks.ts';
import type { Judge } from '../policy/judge.ts';
import type { ExposedAddress } from '../policy/servers/learned.ts';
import type { TunnelProtocol } from '../flow/kinds.ts';

/** IP protocol number. */
const TCP = 6;

/** Least confidence of a handshake; below it is only a hint. */
const MIN_CONFIDENCE = 0.85;

/** More tunnels than any laptop has; further ones are probably forged. */
const MAX_LEARNED = 64;

/** How many answered addresses are remembered, and how many of them are in the judge. */
const MAX_ANSWERED = 20_000;
const MAX_IN_USE = 1_000;
/** A capture has no clock that counts down, so answers are valid to its end. */
const SECONDS = 86_400;

const LEARNABLE: Readonly<Record<Recognition['protocol'], TunnelProtocol | undefined>> = {
  wireguard: 'wireguard',
  openvpn: 'openvpn',
  ipsec: 'ipsec',
  tor: undefined,
  ssh: undefined,
  dtls: undefined,
  sstp: undefined,
  opaque: undefined,
};

/** An endpoint that a handshake has proven. */
export interface LearnedEndpoint {
  readonly protocol: TunnelProtocol;
  /** `udp:198.51.100.7:51820` */
  readonly endpoint: string;
}

/** Compiles the policy and what was learned into a judge; an exposed address is closed for all clients. */
export type CompileJudge = (
  endpoints: readonly LearnedEndpoint[],
  exposed: readonly ExposedAddress[],
) => Judge;

/** The judge of a capture; compiled again when a frame depends on what earlier frames have shown. Learns at most 64 endpoints. */
export class LearningJudge {
  readonly #compile: CompileJudge;
  readonly #learns: boolean;
  readonly #client: number | undefined;
  readonly #endpoints = new Map<string, LearnedEndpoint>();
  /** Names by address, from answers in the clear; addresses in use are in the judge. */
  readonly #answered = new Map<string, string>();
  readonly #inUse = new Map<string, ExposedAddress>();
  /** The judge for the next frame; another object after `look` has returned true. */
  judge: Judge;
  /** Answers that did not fit: a visit to their address is rule E instead of D. */
  answersDropped = 0;

  /** `client` is the laptop's MAC address as a number, if known: then only endpoints that it contacted itself are learned. */
  constructor(compile: CompileJudge, learnEndpoints: boolean, client?: number) {
    this.#compile = compile;
    this.#learns = learnEndpoints;
    this.#client = client;
    this.judge = compile([], []);
  }

  /** Whether an endpoint was learned, by its text (`udp:198.51.100.7:51820`). */
  found(endpoint: string): boolean {
    return this.#endpoints.has(endpoint);
  }

  /** Remembers the answers in a DNS message that leaked; the first name of an address counts. */
  expose(packet: ParsedPacket): void {
    for (const { name, value } of packet.findings.answers) {
      if (parseAddress(value) === undefined || this.#answered.has(value)) continue;
      if (this.#answered.size < MAX_ANSWERED) this.#answered.set(value, name);
      else this.answersDropped += 1;
    }
  }

  /** Whether `judge` was replaced because of this frame: a handshake, or a visit to an answered address. */
  look(packet: ParsedPacket): boolean {
    const endpoint = this.#learns ? endpointOf(packet, this.#client) : undefined;
    const visited = this.#visited(packet);
    if (visited !== undefined) this.#inUse.set(visited.address, visited);
    const isNew =
      endpoint !== undefined && !this.found(endpoint.endpoint) && this.#endpoints.size < MAX_LEARNED;
    if (isNew) this.#endpoints.set(endpoint.endpoint, endpoint);
    if (!isNew && visited === undefined) return false;
    this.judge = this.#compile([...this.#endpoints.values()], [...this.#inUse.values()]);
    return true;
  }

  #visited(packet: ParsedPacket): ExposedAddress | undefined {
    if (this.#answered.size === 0 || packet.ipVersion === 0) return undefined;
    const far = packet.fromServer ? packet.source : packet.destination;
    const address = addressText(packet.ipVersion, far);
    const name = this.#answered.get(address);
    if (name === undefined || this.#inUse.has(address) || this.#inUse.size >= MAX_IN_USE) return undefined;
    return { address, name, seconds: SECONDS };
  }
}

/**
 * The tunnel endpoint that this frame proves: the server has answered with data that only the receiver of the question can
 * know, and the client is on this side. A handshake alone proves nothing, because anybody can send one.
 */
function endpointOf(packet: ParsedPacket, client: number | undefined): LearnedEndpoint | undefined {
  const { recognition } = packet.findings;
  if (recognition === undefined || recognition.confidence < MIN_CONFIDENCE || packet.sourcePort < 0)
    return undefined;
  const protocol = LEARNABLE[recognition.protocol];
  if (protocol === undefined || recognition.answered !== true) return undefined;
  const atSource = serverIsSource(packet, recognition, client);
  const server = atSource ? packet.source : packet.destination;
  const recentPeer = atSource ? packet.destination : packet.source;
  if (client !== undefined && (atSource ? packet.destinationMac : packet.sourceMac) !== client)
    return undefined;
  if (isLocal(packet.ipVersion, server) && !isLocal(packet.ipVersion, recentPeer)) return undefined;
  const endpoint = endpointText(
    packet.protocol === TCP ? 'tcp' : 'udp',
    packet.ipVersion,
    server,
    atSource ? packet.sourcePort : packet.destinationPort,
  );
  return { protocol, endpoint };
}

/** Which end is the server. If the beginning of the tunnel was missed, it is the end that is not on this side. */
function serverIsSource(
  packet: ParsedPacket,
  { server, guessed }: Recognition,
  client: number | undefined,
): boolean {
  if (guessed !== true) return server === 'source';
  if (client !== undefined) return packet.destinationMac === client;
  const sourceIsNear = isLocal(packet.ipVersion, packet.source);
  const destinationIsNear = isLocal(packet.ipVersion, packet.destination);
  return sourceIsNear === destinationIsNear ? server === 'source' : destinationIsNear;
}

function isLocal(ipVersion: ParsedPacket['ipVersion'], words: Uint32Array): boolean {
  const network = parseNetwork(addressText(ipVersion, words));
  return network !== undefined && isPrivate(network);
}
