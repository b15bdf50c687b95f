// Which addresses Eve has read as answers to which client's questions, and which visits go to them (README.md, rule D). Follows
// RFC 1034 section 3.6.2 (canonical names) and RFC 9460 (targets and hints). The uplink is hostile: only an answer to a question that
// leaked is taken, otherwise Eve could make any address look like a name's.

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

/** An address where a client showed a protected name stays closed for so long: nothing says how long it serves that name. Milliseconds. */
const SHOWN_MS = 86_400_000;
/** Kinds that ask for a name: the server asked does not serve that name itself. */
const ASKING: ReadonlySet<Kind> = new Set<Kind>(['dns', 'mdns', 'llmnr', 'nbns', 'ssdp', 'dhcp', 'dhcp6']);
const NAMES_PER_ADDRESS = 16;
/** Most addresses that wait for `takeExposures`; the rules hold no more. */
const EXPOSURES_LIMIT = 1_000;
/** Most names that a reason lists. */
const SHOWN = 4;

interface Question {
  readonly at: number;
  readonly incident: string;
}

interface AnsweredName {
  readonly name: string;
  /** The name as privacy allowed at the time of the answer: a laxer setting later on does not reveal more of it. */
  readonly shown: string;
  /** Id of the incident of its question. */
  readonly incident: string;
  readonly at: number;
  until: number;
}

/** An address that the kernel and the taps must watch; `until` is monotonic milliseconds. */
export interface Exposure {
  /** MAC address of the only client for which it is closed; absent: closed for all. */
  readonly client?: string;
  /** Canonical text. */
  readonly address: string;
  /** Redacted as privacy requires: it is stored, and appears in verdicts. */
  readonly name: string;
  readonly until: number;
}

/** A connection outside the tunnel to an address that was answered in the clear. */
export interface Visit {
  readonly verdict: Verdict;
  /** Every name that was answered with the address, newest first, at most 16: an address shared by many sites has many. */
  readonly candidates: readonly string[];
  /** Ids of the incidents of the questions for these names. */
  readonly questions: readonly string[];
}

/** Most questions and addresses remembered. */
export interface CorrelationLimits {
  readonly questions: number;
  readonly addresses: number;
}

/** Notes leaked questions and their answers, and recognises the visits that follow. Times are monotonic milliseconds. */
export class Correlation {
  readonly #asked: FairMap<Question>;
  /** From canonical names and service targets to the name that was asked. */
  readonly #aliases: FairMap<AnsweredName>;
  /** By client and address. */
  readonly #answers: FairMap<AnsweredName[]>;
  /** Clients that ask. Answers share the room by client and name, so that the thousand addresses of one name push out only its own. */
  readonly #regulars = new Regulars<number>();
  #policy: Policy;
  readonly #show: (name: string) => string;
  #exposures = new FairMap<Exposure>(EXPOSURES_LIMIT);

  /** `show`: redacts a name as privacy requires. */
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

  /** Decides from now on which names matter; what was noted stays. */
  setPolicy(policy: Policy): void {
    this.#policy = policy;
  }

  /** How many answers and questions were dropped because there were too many. */
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

  /** Takes an answer that either tap reported; each tap reports in the order of its own wire. `now`: monotonic milliseconds. */
  answered({ packet, client, folded }: Observation, now: number): void {
    const { answers, names } = packet.findings;
    if (packet.kind !== 'dns' || folded || answers.length === 0) return;
    for (const asked of new Set([...names.map(({ name }) => name), ...answers.map(({ name }) => name)])) {
      const question = this.#asked.get(`${client} ${asked}`);
      if (question !== undefined && now - question.at <= ANSWER_MS)
        this.#follow(client, asked, question.incident, answers, now);
    }
  }

  /** The visit (rule D) that a frame outside the tunnel belongs to; undefined when it is not a visit, or its address was not an answer. */
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
    // A name that the visit itself shows decides which candidate it was. Without one it may be any of them, so none is named.
    const isOneOf = own === '' && candidates.length > 1;
    const exposure = own === '' ? (isOneOf ? verdict.destination : newest.shown) : own;
    const shared = candidates.length > 1 ? `one of ${candidates.length} names, ` : '';
    const list = `${candidates.slice(0, SHOWN).join(', ')}${candidates.length > SHOWN ? ', …' : ''}`;
    const reason =
      `${describe(packet, 'up')}, outside the tunnel: ${verdict.destination} was answered in the clear for ${shared}` +
      `${list}: Eve has the ${isOneOf ? 'visit and a list of possible names' : 'name and the visit'}`;
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

  /** Addresses learned since the last call that profiles with direct traffic must now watch; at most 1,000. */
  takeExposures(): readonly Exposure[] {
    if (this.#exposures.size === 0) return [];
    const exposures = [...this.#exposures.values()];
    this.#exposures.clear();
    return exposures;
  }

  /** Notes the addresses that an answer gives for the name asked, also by way of canonical names and service targets. */
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
    // In profile split other names may be visited in the clear: one client's question is no reason to close the address for another.
    const whose = this.#policy.profile === 'split' ? { client: macText(client) } : {};
    this.#close({ ...whose, address, name: entry.shown, until: entry.until }, entry.name);
  }

  /** `name`: the unredacted name, whose share of the table the entry takes. */
  #close(exposure: Exposure, name: string): void {
    const { client = '', address } = exposure;
    this.#exposures.set(`${client} ${address} ${name}`, exposure, name);
  }

  /** Notes a protected name that a client showed to an address outside the tunnel: further traffic there is that visit, whatever name it shows. */
  shown({ packet, verdict, client, folded }: Observation, now: number): void {
    if (this.#policy.profile !== 'split' || folded || verdict.rule !== 'B' || packet.ipVersion === 0) return;
    if ((packet.protocol !== Protocol.TCP && packet.protocol !== Protocol.UDP) || ASKING.has(packet.kind))
      return;
    // A Referer names another site, not this address.
    const here = packet.findings.names.filter(({ via }) => via !== 'referer');
    const names = [...here.map(({ name: shown }) => shown), packet.flowName];
    const name = names.find((candidate) => this.#matters(candidate));
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

  /** Notes addresses of protected names that an answer gave a client (MAC address as text) although it had not asked for those names. */
  served(client: string, addresses: readonly ServedAddress[], now: number): void {
    for (const { address, name, seconds } of addresses)
      this.#close({ client, address, name: this.#show(name), until: now + seconds * 1_000 }, name);
  }

  /** Profile split allows names that are not protected to be asked for and visited in the clear. */
  #matters(name: string): boolean {
    return this.#policy.profile !== 'split' || isProtected(name, this.#policy);
  }
}

/** Answers contain names and canonical address texts; no name ends in a number or contains a colon (RFC 3696 section 2). */
function isAddress(value: string): boolean {
  return value.includes(':') || /\.\d+$/.test(value);
}
