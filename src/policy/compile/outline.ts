// What a table's shape is: its rules without the addresses in them. There are endlessly many policies and as many tables, but few shapes;
// test/proof proves the shapes, and the box compares what the kernel gives back with them (proven.ts).
//
// A table falls into parts, by direction and ether type, and beside them what stands before these ("before") and what is of the box itself
// ("box"). Each frame comes to one of the former and no other. A part has
//   a frame: its chains and their rules, in order, that contain no address of the policy and none that was learned;
//   pieces: the forms of the rules that contain one, each with its place between two rules of the frame, and the verdicts that maps hold.
// How often a piece occurs is no part of the shape, and a table may lack pieces: to a packet with other addresses, a rule for an address is
// as if it were not there. test/proof/RESULTS.md, Shapes, has the whole argument and its premises.

import { FIXED_ADDRESS } from '../policy.ts';
import { splicedName } from './outline-names.ts';
import type { TableShape } from './readback.ts';

export interface Part {
  readonly name: string;
  readonly frame: string;
  /** Each once, sorted. */
  readonly pieces: readonly string[];
  /** What rules of it look in, of what may be empty. */
  readonly lookups: readonly string[];
}

type Chains = TableShape['chains'];

/** Chains that frames come to by their ether type. */
const ENTRY = /^(?:up|down)_(?:ip4|ip6|arp|eapol|pppoe)$/;
/** Where leaks end: of the part that is before all others. */
const ENDS: ReadonlySet<string> = new Set(['leak', 'leak_down']);
/** Chains of one tunnel, one list of ports, one name: called by what is in them, not by their numbers. */
const NUMBERED = /^t\d+_|_\d+(?:_|$)/;
/** Ports of one address or network, and the tunnel that each leads to. */
const LIST = /^(?:ports|many)_\d+/;
const IS_FRAME = /^(?:pass_all|many\d+_\d+)$/;

/** What the compilers themselves write down; in a rule of the policy's it makes a shape of its own. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  ...['0.0.0.0', '255.255.255.255', '169.254.0.0/16', FIXED_ADDRESS],
  ...['224.0.0.0/4', '224.0.0.0/24', '224.0.0.2', '224.0.0.22'],
  ...['::', 'fe80::/10', 'ff00::/8', 'ff02::1', 'ff02::2', 'ff02::16', 'ff02::1:2', 'ff02::1:ff00:0/104'],
  ...['64:ff9b::/96', 'ff02::/112', 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:03'],
]);

/** Stands for a text, and for no other: a hash. */
export type Short = (text: string) => string;

/** The parts of a table, with what is long as `short` makes it; of a table without chains none. */
export function partsOf({ chains, sets, timed }: TableShape, short: Short): readonly Part[] {
  const table = new Table(chains, heldBy([sets, timed]), short);
  const bases = [...chains.keys()].filter((name) => chains.get(name)?.head !== '').sort();
  const isOfBox = (name: string): boolean => name === 'to_box' || name === 'from_box';
  const before = table.part(
    'before',
    bases.filter((name) => !isOfBox(name)),
    (name) => ENTRY.test(name),
  );
  const parts = [
    table.part('box', bases.filter(isOfBox), () => false),
    ...[...chains.keys()]
      .filter((name) => ENTRY.test(name))
      .sort()
      .map((name) => table.part(name, [name], (other) => ENDS.has(other))),
  ];
  return [{ ...before, pieces: [...before.pieces, ...table.unread().map(short)] }, ...parts];
}

/** Which verdicts the maps of a table hold, and which sets hold anything, as one text. */
export function verdictsOf({ sets, timed }: TableShape): string {
  return [...heldBy([sets, timed])]
    .map(([name, held]) => `${name}: ${[...held].sort().join(', ')}`)
    .sort()
    .join('\n');
}

/** By set or map that is not empty, the verdicts that its elements have; '' where they have none. */
function heldBy(all: readonly ReadonlyMap<string, ReadonlySet<string>>[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const sets of all)
    for (const [name, keys] of sets)
      for (const key of keys) {
        const at = key.indexOf('=');
        const held = found.get(name) ?? new Set();
        found.set(name, held.add(at < 0 ? '' : key.slice(at + 1)));
      }
  return found;
}

interface Rule {
  readonly text: string;
  /** Addresses, networks and names that stand in it. */
  readonly constants: readonly string[];
}

class Table {
  readonly #chains: Chains;
  readonly #held: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #short: Short;
  readonly #read = new Map<string, readonly Rule[]>();
  readonly #plain = new Map<string, boolean>();

  constructor(chains: Chains, held: ReadonlyMap<string, ReadonlySet<string>>, short: Short) {
    this.#chains = chains;
    this.#short = short;
    this.#held = held;
    // The two ports have the names that the policy gives them; any third stays what it is called.
    const text = chains.get('entering')?.rules.join('\n') ?? '';
    const [lan, wan] = new Set([...text.matchAll(/iifname (\S+)/g)].map(([, name = '']) => name));
    this.#ports = new Map([
      ...(lan === undefined ? [] : [[lan, 'LAN'] as const]),
      ...(wan === undefined ? [] : [[wan, 'WAN'] as const]),
    ]);
  }

  part(name: string, from: readonly string[], isElsewhere: (name: string) => boolean): Part {
    const inside = this.#reached(from, isElsewhere, isOfFrame);
    const all = this.#reached(from, isElsewhere, ({ constants }) => constants.length === 0);
    const outside = {
      isCalled: (chain: string): boolean => all.has(chain) || isElsewhere(chain),
      bodies: new Map<string, string>(),
    };
    const pieces = new Set<string>();
    const lookups = new Map<string, string[]>();
    const frame: string[] = [];
    for (const chain of all) {
      const rules = this.#rules(chain);
      const text = [
        `chain ${chain} ${this.#chains.get(chain)?.head ?? 'missing'}`,
        ...rules.filter(isOfFrame).map((rule) => rule.text),
      ].join('\n');
      if (inside.has(chain)) frame.push(text);
      else pieces.add(text);
      this.#look(chain, rules, outside, pieces, lookups);
      const sets = rules.flatMap(({ text: rule }) =>
        [...rule.matchAll(/@([a-z]\w*)/g)].map(([, set = '']) => set),
      );
      for (const set of new Set(sets)) {
        const held = [...(this.#held.get(set) ?? [])];
        // Of these it is not the same to a frame whether they hold anything: what they hold is no address.
        if (IS_FRAME.test(set) && held.length > 0) frame.push(`${set} is not empty`);
        for (const verdict of held) if (verdict !== '') this.#lead(set, verdict, outside, pieces);
      }
      for (const verdict of networkVerdicts(this.#chains.get(chain)?.rules ?? []))
        this.#lead(chain, verdict, outside, pieces);
    }
    for (const [set, rules] of lookups) pieces.add(`all that look in ${set}\n${rules.join('\n')}`);
    return {
      name,
      frame: this.#short(frame.join('\n')),
      pieces: [...new Set([...pieces].map((piece) => this.#short(piece)))].sort(),
      lookups: [...lookups.keys()].sort(),
    };
  }

  /** A verdict of a map's. Of a list of ports each is one, and which of their tunnels stands before which. */
  #lead(map: string, verdict: string, outside: Outside, pieces: Set<string>): void {
    const target = targetsOf(verdict)[0] ?? '';
    if (!LIST.test(target)) {
      pieces.add(`${map} leads to ${this.#inlined(verdict, outside, [])}`);
      return;
    }
    const rules = this.#rules(target);
    const ends: string[] = [];
    for (let at = 0; at < rules.length; at += 2) {
      // Up and down.
      const pair = rules.slice(at, at + 2).map(({ text }) => this.#inlined(text, outside, []));
      pieces.add(`${map} leads to a list with ${pair.join('\n')}`);
      if (ends.at(-1) !== pair[0]) ends.push(pair[0] ?? '');
    }
    for (const pair of ordered(ends)) pieces.add(`${map} leads to a list, ${pair}`);
  }

  /** What is not empty, though rules are left out that would look in it. */
  unread(): string[] {
    const texts = [...this.#chains.values()].flatMap(({ rules }) => rules).join('\n');
    return [...this.#held.keys()]
      .filter((name) => MAY_BE_EMPTY.test(`@${name}`) && !texts.includes(`@${name}`))
      .map((name) => `nothing looks in ${name}`);
  }

  /** Chains that such rules lead to, in the order in which they do. */
  #reached(
    from: readonly string[],
    isElsewhere: (name: string) => boolean,
    follows: (rule: Rule) => boolean,
  ): Set<string> {
    const found = new Set<string>();
    const visit = (name: string): void => {
      found.add(name);
      for (const rule of this.#rules(name))
        if (follows(rule))
          for (const target of targetsOf(rule.text))
            if (!found.has(target) && !isElsewhere(target) && !NUMBERED.test(target)) visit(target);
    };
    for (const name of from) if (!found.has(name)) visit(name);
    return found;
  }

  #rules(chain: string): readonly Rule[] {
    const known = this.#read.get(chain);
    if (known !== undefined) return known;
    const rules = (this.#chains.get(chain)?.rules ?? []).map((rule) => this.#rule(chain, rule));
    this.#read.set(chain, rules);
    return rules;
  }

  #rule(chain: string, rule: string): Rule {
    const constants: string[] = [];
    const own = /^t(\d+)_/.exec(chain)?.[1];
    const text = splicedName(rule, (name) => this.#chains.get(name)?.rules ?? [], constants)
      .replace(
        /([io]ifname (?:!= )?)(\S+)/g,
        (_, how: string, name: string) => how + (this.#ports.get(name) ?? name),
      )
      .replace(/\b(up|down)_tunnel_(\d+)\b/g, (whole, direction: string, number: string) =>
        number === own ? `${direction}_tunnel_N` : whole,
      );
    return { text: withoutAddresses(withoutNumbers(chain, text, constants), constants), constants };
  }

  /**
   * What stands between two rules of the frame, by its place: rules with addresses and which of their ends stands before which go to `pieces`,
   * rules that look in a set which may be empty to `lookups`.
   */
  #look(
    chain: string,
    rules: readonly Rule[],
    outside: Outside,
    pieces: Set<string>,
    lookups: Map<string, string[]>,
  ): void {
    const frameAt = rules.flatMap((rule, at) => (isOfFrame(rule) ? [at] : []));
    for (const [nth, start] of [-1, ...frameAt].entries()) {
      const end = frameAt[nth] ?? rules.length;
      if (start + 1 === end) continue;
      const place = [chain, rules[start]?.text ?? '', rules[end]?.text ?? ''].join('\n');
      const ends: string[] = [];
      for (const group of grouped(rules.slice(start + 1, end))) {
        const [first] = group;
        const constants: string[] = [];
        const text = group.map((rule) => this.#inlined(rule.text, outside, constants)).join('\n');
        const set = first === undefined ? undefined : lookupOf(first);
        if (set === undefined) pieces.add(`${place}\n${text}`);
        else lookups.set(set, [...(lookups.get(set) ?? []), `${place}\n${text}`]);
        const last = set === undefined ? endOf(group) : text;
        if (ends.at(-1) !== last) ends.push(last);
      }
      for (const pair of ordered(ends)) pieces.add(`${place}\n${pair}`);
      // Whoever has a pass and whoever has one because all have one are let to the same places.
      const [forOne, forAll] = ['@pass_mac', '@pass_all'].map((set) =>
        rules
          .slice(start + 1, end)
          .filter(({ text }) => text.includes(set))
          .flatMap(({ constants }) => constants)
          .sort()
          .join(),
      );
      if (forOne !== forAll) pieces.add(`${place}\npasses for one and for all differ`);
    }
  }

  /** With what stands in the chains that it leads to in place of their numbers. */
  #inlined(text: string, outside: Outside, constants: string[]): string {
    return withIndices(text, constants).replaceAll(
      /\b(goto|jump) (\w+)/g,
      (whole, how: string, target: string) =>
        outside.isCalled(target) && !NUMBERED.test(target)
          ? whole
          : `${how} ${this.#body(target, outside, constants)}`,
    );
  }

  #body(chain: string, outside: Outside, constants: string[]): string {
    const known = outside.bodies.get(chain);
    if (known !== undefined) return known;
    const rules = this.#rules(chain).map((rule) => this.#inlined(rule.text, outside, constants));
    const body = this.#short(rules.join('\n'));
    // What holds no address is the same wherever it is led to.
    if (this.#isPlain(chain)) outside.bodies.set(chain, body);
    return body;
  }

  /** Neither it nor what it leads to holds an address. */
  #isPlain(chain: string): boolean {
    const known = this.#plain.get(chain);
    if (known !== undefined) return known;
    const is = this.#rules(chain).every(
      ({ text, constants }) =>
        constants.length === 0 && targetsOf(text).every((target) => this.#isPlain(target)),
    );
    this.#plain.set(chain, is);
    return is;
  }
}

/** What a piece says of the part that it is in. */
interface Outside {
  readonly isCalled: (chain: string) => boolean;
  readonly bodies: Map<string, string>;
}

/**
 * Where nothing was learned or no server is such, these sets are empty and the compilers leave out what looks in them, or write it all the same:
 * a rule that looks in an empty set matches nothing. Either all rules of a part that look in one are there, or none.
 */
const MAY_BE_EMPTY = /@(host[46]|nets?[46]|cut[46]|nat|many)(?:\d+(?:_\d+)?)?(?!\w)|@th,\d+,16 (PORTS)/;

function lookupOf({ text, constants }: Rule): string | undefined {
  if (constants.length > 0) return undefined;
  const found = MAY_BE_EMPTY.exec(text);
  return found?.[1] ?? found?.[2];
}

/** Neither an address of the policy's nor a look into what may be empty. */
const isOfFrame = (rule: Rule): boolean => rule.constants.length === 0 && lookupOf(rule) === undefined;

function targetsOf(text: string): string[] {
  return [...text.matchAll(/\b(?:goto|jump) (\w+)/g)]
    .map(([, target = '']) => target)
    .filter((target) => target !== '');
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+(?:\/\d+)?$/;
const IPV6 = /^[0-9a-f]*:[0-9a-f:]+(?:\/\d+)?$/;

/** `<kind address>` stands for an address; those of a list in braces are the compilers' own. */
function withoutAddresses(text: string, constants: string[]): string {
  let isInList = false;
  return text
    .split(' ')
    .map((word) => {
      if (word === '{' || word === '}') isInList = word === '{';
      const kind = isInList ? undefined : kindOf(word);
      if (kind === undefined) return word;
      constants.push(word);
      return `<${kind} ${word}>`;
    })
    .join(' ');
}

function kindOf(word: string): string | undefined {
  if (OWN_WORDS.has(word)) return undefined;
  return MAC.test(word) ? 'MAC' : IPV4.test(word) ? 'IPv4' : IPV6.test(word) ? 'IPv6' : undefined;
}

/** Numbers that are addresses or ports of the policy's, where the compilers write them as such. */
function withoutNumbers(chain: string, text: string, constants: string[]): string {
  const held = (kind: string, value: string): string => {
    constants.push(value);
    return `<${kind} ${value}>`;
  };
  if (chain === 'box_hidden')
    return text.replace(
      /^(@nh,\d+,32) (\d+) /,
      (_, at: string, value: string) => `${at} ${held('word', value)} `,
    );
  if (chain === 'to_box') return text.replace(/ tcp dport \d+ accept$/, ' tcp dport PORT accept');
  if (chain === 'up_solicit')
    return text.replace(/((?:@th,\d+,\d+ \d+ ?)+)(?=counter)/, (run: string) =>
      isTarget(run) ? `${held('target', run.trim())} ` : run,
    );
  const plain = text
    // Which ports tunnels over UDP have: what a report quotes.
    .replace(
      /(@th,(?:224|384),16) (?:\{ [^}]* \}|[\d-]+) (?=counter name up_essential_icmp accept)/,
      '$1 PORTS ',
    )
    // Networks of IPv4 behind a prefix of NAT64.
    .replace(/(@nat\d+ @nh,\d+,32) vmap \{ [^}]* \}/, '$1 vmap NETWORKS')
    .replace(/(@nat\d+ @nh,\d+,32) (?:\{ [^}]* \}|\d+-\d+|\d+) /, '$1 NETWORKS ');
  // The port of a row, beside its address; of a list of ports, which is called by what is in it.
  const isList = LIST.test(chain);
  if (!isList && !plain.split(' ').some((word) => kindOf(word)?.startsWith('IP') === true)) return plain;
  // A range is a form of its own: which of a port and a range comes first decides where they meet.
  return plain.replace(
    /\b(17|6) (dport|sport) \d+(-\d+)?(?= |$)/,
    (_, protocol: string, which: string, range?: string) =>
      `${protocol} ${which} ${range === undefined ? 'PORT' : 'PORTS'}`,
  );
}

/** The compilers' own are those of what an interface can be given: 2000::/3, fc00::/7, fe80::/10. */
function isTarget(run: string): boolean {
  return !['@th,64,3 1', '@th,64,7 126', '@th,64,10 1018'].includes(run.trim());
}

/** Verdicts of ranges that stand in a rule. */
function networkVerdicts(rules: readonly string[]): string[] {
  return rules
    .filter((rule) => /@nat\d+ .* vmap \{/.test(rule))
    .flatMap((rule) => [...rule.matchAll(/ : (jump \w+)/g)].map(([, verdict = '']) => verdict));
}

/** Which of a piece's addresses are the same is part of its form. */
function withIndices(text: string, known: string[]): string {
  return text.replaceAll(/<(\w+) ([^<>]+)>/g, (_, kind: string, value: string) => {
    if (!known.includes(value)) known.push(value);
    return `<${kind} ${known.indexOf(value)}>`;
  });
}

/** Where a rule leads: what it counts, and how it ends. */
function endOf(group: readonly Rule[]): string {
  const text = group.at(-1)?.text ?? '';
  const end = /(?:counter name \S+ )?(?:(?:goto|jump) \S+|accept|drop|return)$/.exec(text)?.[0] ?? text;
  return end.replace(/\w+$/, (target) => (NUMBERED.test(target) ? target.replaceAll(/\d+/g, 'N') : target));
}

/** Which of these stands before which, where they differ. */
function ordered(ends: readonly string[]): string[] {
  return ends.flatMap((one, at) =>
    ends.slice(at + 1).flatMap((next) => (one === next ? [] : [`before: ${one}, ${next}`])),
  );
}

/** An opening alone is one; what stops something is one with all that is for the same address. */
function grouped(rules: readonly Rule[]): Rule[][] {
  const groups: Rule[][] = [];
  let before = '';
  for (const rule of rules) {
    const opens = /(?: accept|goto \w+_(?:allowed|pass|own))$/.test(rule.text);
    const key = opens || lookupOf(rule) !== undefined ? '' : rule.constants.join(' ');
    const last = groups.at(-1);
    if (last !== undefined && key !== '' && key === before) last.push(rule);
    else groups.push([rule]);
    before = key;
  }
  return groups;
}
