// Knows: which addresses Eve has read as answers to whose question, and which visits go to them. Must not know: taps, kernel, clocks.
// Follows README.md, rule D; RFC 1034 section 3.6.2 (canonical names), RFC 9460 (targets and hints).
// The uplink is hostile: only an answer to a question that leaked is taken, or Eve could paint any address as a name's.

import { isOpenProfile } from '../../policy/filter/direct.ts';
import { isVisit } from '../../policy/rules.ts';
import { isProtected } from '../../policy/servers/names.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Kind } from '../../flow/kinds.ts';
import { describe } from '../../policy/reason.ts';
import type { Verdict } from '../../policy/verdict.ts';
import { macText, reverseAddress } from '../../wire/ip/address.ts';
import { ANSWER_MS, aliasesOf, keptSeconds } from './questions.ts';
import type { Observation, ServedAddress } from '../observation.ts';
import { ownName } from '../incidents/occasions.ts';
import { FairMap, Regulars } from '../incidents/quotas.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Where a protected name was shown is closed for so long: nothing says for how long it serves it. Milliseconds. */
const SHOWN_MS = 86_400_000;
/** Whoever is asked for a name serves none. */
const ASKING: ReadonlySet<Kind> = new Set<Kind>(['dns', 'mdns', 'llmnr', 'nbns', 'ssdp', 'dhcp', 'dhcp6']);
const NAMES_PER_ADDRESS = 16;
/** Addresses that wait to be taken; the rules hold no more at once. */
const NEWS_MOST = 1_000;
/** Names that a reason lists. */
const SHOWN = 4;

interface Question {
  readonly at: number;
  readonly incident: string;
}

interface AnsweredName {
  readonly name: string;
  /** The name as the privacy in force showed it when it was answered: a laxer one that comes later shows no more of it. */
  readonly shown: string;
  /** The incident of its question. */
  readonly incident: string;
  readonly at: number;
  until: number;
}

/** An address that the kernel and the taps shall watch; `until` is monotonic milliseconds. */
export interface Exposure {
  /** MAC address of the only client that it is closed for; absent: for all. */
  readonly client?: string;
  readonly address: string;
  /** As it is shown: it is written down, and judges repeat it. */
  readonly name: string;
  readonly until: number;
}

/** A connection outside the tunnel to an address that was answered in the clear. */
export interface Visit {
  readonly verdict: Verdict;
  /** Every name whose answer the address was, newest first: an address shared by many sites has many. */
  readonly candidates: readonly string[];
  /** Incidents of the questions, as the candidates. */
  readonly questions: readonly string[];
}

export interface CorrelationLimits {
  readonly questions: number;
  readonly addresses: number;
}

export class Correlation {
  readonly #asked: FairMap<Question>;
  /** Canonical names and service targets, to the names that lead to them. */
  readonly #aliases: FairMap<AnsweredName>;
  /** By client and address. */
  readonly #answers: FairMap<AnsweredName[]>;
  /** Who asks: answers are kept by name, so that one name's thousand addresses push out no other's. */
  readonly #regulars = new Regulars<number>();
  #policy: Policy;
  readonly #show: (name: string) => string;
  #news = new FairMap<Exposure>(NEWS_MOST);

  /** `show`: what of a name may be kept. */
  constructor(
    policy: Policy,
    limits: CorrelationLimits = { questions: 4_096, addresses: 16_384 },
    show: (name: string) => string = (name) => name,
  ) {
    this.#policy = policy;
    this.#show = show;
    this.#asked = new FairMap(limits.questions);
    this.#aliases = new FairMap(limits.questions);
    this.#answers = new FairMap(limits.addresses);
  }

  setPolicy(policy: Policy): void {
    this.#policy = policy;
  }

  /** Answers and questions that were forgotten because there were too many. */
  get forgotten(): number {
    return this.#asked.evicted + this.#aliases.evicted + this.#answers.evicted;
  }

  /** Notes a question that leaked, and the incident it belongs to; `now` is monotonic milliseconds. */
  asked({ packet, client, folded }: Observation, incident: string, now: number): void {
    if (packet.kind !== 'dns' || folded) return;
    this.#regulars.seen(client, now);
    const group = this.#regulars.share(client);
    for (const { name } of packet.findings.names)
      this.#asked.set(`${client} ${name}`, { at: now, incident }, group);
  }

  /** Notes what came back; either tap may tell, each in the order of its own wire. */
  answered({ packet, client, folded }: Observation, now: number): void {
    const { answers, names } = packet.findings;
    if (packet.kind !== 'dns' || folded || answers.length === 0) return;
    for (const asked of new Set([...names.map(({ name }) => name), ...answers.map(({ name }) => name)])) {
      const question = this.#asked.get(`${client} ${asked}`);
      if (question !== undefined && now - question.at <= ANSWER_MS)
        this.#follow(client, asked, question.incident, answers, now);
    }
  }

  /** What a frame that goes past the tunnel is under rule D; undefined when it is no visit, or to no answered address. */
  visit({ packet, verdict, client, folded }: Observation, now: number): Visit | undefined {
    const passes = verdict.verdict === 'allowed' && verdict.direct === true;
    const leaks = verdict.verdict === 'leak' && (verdict.rule === 'E' || verdict.rule === 'D');
    if (folded || !isVisit(packet.kind) || !(passes || leaks)) return undefined;
    const known = this.#answers
      .get(`${client} ${verdict.destination}`)
      ?.filter(({ at, until, name }) => at <= now && until > now && this.#matters(name));
    const [newest] = known ?? [];
    if (known === undefined || newest === undefined) return undefined;
    const own = ownName(packet);
    const candidates = known.map(({ shown }) => shown);
    // A name that the visit itself shows settles which of the candidates it was. Without one it may be any of them, and is to none.
    const isOneOf = own === '' && candidates.length > 1;
    const exposure = own === '' ? (isOneOf ? verdict.destination : newest.shown) : own;
    const shared = candidates.length > 1 ? `one of ${candidates.length} names, ` : '';
    const list = `${candidates.slice(0, SHOWN).join(', ')}${candidates.length > SHOWN ? ', …' : ''}`;
    const reason =
      `${describe(packet, 'up')}, outside the tunnel: ${verdict.destination} was answered in the clear for ${shared}` +
      `${list}: Eve has the ${isOneOf ? 'visit, and the names to choose from' : 'name and the visit'}`;
    return {
      candidates,
      questions: [...new Set(known.map(({ incident }) => incident))],
      verdict: {
        verdict: 'leak',
        rule: 'D',
        severity: 'red',
        reason,
        exposure,
        destination: verdict.destination,
      },
    };
  }

  /** Addresses learned since the last call which the profiles that let traffic go direct must now watch. */
  takeExposures(): readonly Exposure[] {
    if (this.#news.size === 0) return [];
    const news = [...this.#news.values()];
    this.#news.clear();
    return news;
  }

  /** From a name that was asked, over canonical names and service targets, to its addresses. */
  #follow(
    client: number,
    asked: string,
    incident: string,
    answers: Observation['packet']['findings']['answers'],
    now: number,
  ): void {
    const root = this.#aliases.get(`${client} ${asked}`);
    const name = root !== undefined && root.until > now ? root.name : asked;
    if (!this.#matters(name)) return;
    const shown = root !== undefined && name !== asked ? root.shown : this.#show(name);
    const chain = aliasesOf([asked], answers, ({ type, value }) => type === 'CNAME' || !isAddress(value));
    for (const { name: owner, type, value, ttl } of answers) {
      if (!chain.has(owner)) continue;
      const until = now + 1_000 * keptSeconds(ttl);
      const entry: AnsweredName = { name, shown, incident, at: now, until };
      const about = type === 'PTR' ? (reverseAddress(owner) ?? reverseAddress(asked)) : undefined;
      if (about !== undefined) this.#expose(client, about, entry);
      if (isAddress(value)) this.#expose(client, value, entry);
      else if (value !== name)
        this.#aliases.set(`${client} ${value}`, entry, `${this.#regulars.share(client)} ${name}`);
    }
  }

  #expose(client: number, address: string, entry: AnsweredName): void {
    const key = `${client} ${address}`;
    const known = this.#answers.get(key) ?? [];
    const others = known.filter(({ name, until }) => name !== entry.name && until > entry.at);
    const group = `${this.#regulars.share(client)} ${entry.name}`;
    this.#answers.set(key, [entry, ...others].slice(0, NAMES_PER_ADDRESS), group);
    if (!isOpenProfile(this.#policy)) return;
    // In split other names may be visited, so that what one client has asked for is no reason to close it for another.
    const whose = this.#policy.profile === 'split' ? { client: macText(client) } : {};
    this.#close({ ...whose, address, name: entry.shown, until: entry.until }, entry.name);
  }

  /** `name` in clear: whose share of the table it is. */
  #close(exposure: Exposure, name: string): void {
    const { client = '', address } = exposure;
    this.#news.set(`${client} ${address} ${name}`, exposure, name);
  }

  /** Notes a protected name that a client showed to an address past the tunnel: what follows there is that visit, whoever is named. */
  shown({ packet, verdict, client, folded }: Observation, now: number): void {
    if (this.#policy.profile !== 'split' || folded || verdict.rule !== 'B' || packet.ipVersion === 0) return;
    if ((packet.protocol !== Protocol.TCP && packet.protocol !== Protocol.UDP) || ASKING.has(packet.kind))
      return;
    // The page that a visitor comes from is somewhere else.
    const here = packet.findings.names.filter(({ via }) => via !== 'referer');
    const names = [...here.map((one) => one.name), packet.flowName];
    const name = names.find((one) => this.#matters(one));
    if (name === undefined) return;
    this.#close(
      {
        client: macText(client),
        address: verdict.destination,
        name: this.#show(name),
        until: now + SHOWN_MS,
      },
      name,
    );
  }

  /** Notes what an answer has led a client to from protected names that it did not ask for. */
  served(client: string, addresses: readonly ServedAddress[], now: number): void {
    for (const { address, name, seconds } of addresses)
      this.#close({ client, address, name: this.#show(name), until: now + seconds * 1_000 }, name);
  }

  /** Split lets other names be asked for and visited in the clear. */
  #matters(name: string): boolean {
    return this.#policy.profile !== 'split' || isProtected(name, this.#policy);
  }
}

/** Answers hold names and canonical address texts; no name ends in a number or holds a colon (RFC 3696 section 2). */
function isAddress(value: string): boolean {
  return value.includes(':') || /\.\d+$/.test(value);
}
