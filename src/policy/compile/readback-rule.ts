// Brings a rule into one normal form, from our text or from nft's JSON (libnftables-json(5)). Numbers are decimal, names that nft prints
// for numbers become numbers, sets are sorted. Unknown statements stay as JSON, which equals no rule of ours: a foreign rule can never
// look like a compiled one.

import { namedPlaces } from './server-groups.ts';
import { protocolMatch } from './nft-model.ts';

/** Names that nft prints where the ruleset has numbers, or the reverse. */
const NUMBERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    icmp: 1,
    igmp: 2,
    ipencap: 4,
    tcp: 6,
    udp: 17,
    ipv6: 41,
    'ipv6-frag': 44,
    gre: 47,
    esp: 50,
    ah: 51,
    'ipv6-icmp': 58,
    l2tp: 115,
    'destination-unreachable': 3,
    'echo-request': 8,
    'frag-needed': 4,
    'no-route': 0,
    'packet-too-big': 2,
    'mld-listener-query': 130,
    'mld-listener-report': 131,
    'mld-listener-done': 132,
    'mld2-listener-report': 143,
    'nd-router-solicit': 133,
    'nd-router-advert': 134,
    'nd-neighbor-solicit': 135,
    'nd-neighbor-advert': 136,
    'nd-redirect': 137,
  }).map(([name, number]) => [name, String(number)]),
);

/** nft may or may not list a protocol that the rest of the rule implies. */
function withoutProtocol(rule: string): string {
  const match = protocolMatch(rule);
  return match !== '' && rule.startsWith(match) ? rule.slice(match.length) : rule;
}

/** The normal form of a rule from the ruleset text, to be compared with `ruleText` of nft's listing. Does not throw. */
export function normalRule(text: string): string {
  const sorted = withoutProtocol(namedPlaces(text)).replace(/\{ (.*?) \}/g, (_, elements: string) =>
    setText(elements.split(', ').map(words)),
  );
  return words(sorted);
}

/** Raw matches on IPv6 addresses; nft lists them by field name where another match in the rule implies IPv6. */
const RAW6: readonly (readonly [string, string])[] = [
  ['@nh,64,128', 'ip6 saddr'],
  ['@nh,192,128', 'ip6 daddr'],
];

function words(text: string): string {
  return RAW6.reduce((named, [raw, field]) => named.replaceAll(raw, field), text)
    .split(' ')
    .filter((token) => token !== '==' && token !== '')
    .map(normalWord)
    .join(' ');
}

/**
 * The normal form of one word of a rule or of a set's key: decimal numbers, no quotes, numbers instead of the names of protocols and ICMP
 * types. Hexadecimal numbers of 14 digits and more stay as they are.
 */
export function normalWord(token: string): string {
  if (/^\d+$/.test(token)) return token;
  const plain = token.replaceAll('"', '');
  const range = /^(0x[0-9a-f]+|\d+)-(0x[0-9a-f]+|\d+)$/.exec(plain);
  if (range !== null) return `${Number(range[1])}-${Number(range[2])}`;
  // Longer ones are not exact as numbers in JavaScript: addresses next to each other would become equal.
  if (/^0x[0-9a-f]{14,}$/.test(plain)) return plain;
  if (/^0x[0-9a-f]+$/.test(plain)) return String(Number(plain));
  return NUMBERS.get(plain) ?? plain;
}

function setText(elements: readonly string[]): string {
  return `{ ${[...elements].sort().join(', ')} }`;
}

interface Json {
  readonly [key: string]: unknown;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The normal form of a rule's `expr` in nft's JSON (libnftables-json(5)). What it does not know stays as JSON text, which equals no rule of
 * ours; does not throw.
 */
export function ruleText(statements: unknown): string {
  if (!Array.isArray(statements)) return JSON.stringify(statements);
  const text = (statements as unknown[]).map(statementText).join(' ');
  return words(withoutProtocol(namedPlaces(text.replaceAll(/ +/g, ' '))));
}

function statementText(statement: unknown): string {
  if (!isJson(statement)) return JSON.stringify(statement);
  const [[name, value] = ['', undefined]] = Object.entries(statement);
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
      return name;
    case 'goto':
    case 'jump':
      return isJson(value) ? `${name} ${String(value['target'])}` : JSON.stringify(statement);
    case 'counter':
      if (typeof value === 'string') return `counter name ${value}`;
      return isJson(value) && isJson(value['map'])
        ? `counter name ${mapText(value['map'], 'map')}`
        : JSON.stringify(statement);
    case 'match':
      return isJson(value) ? matchText(value) : JSON.stringify(statement);
    case 'mangle':
      return isJson(value)
        ? `${expressionText(value['key'])} set ${expressionText(value['value'])}`
        : JSON.stringify(statement);
    case 'set':
      return isJson(value)
        ? `${String(value['op'])} ${String(value['set'])} { ${expressionText(value['elem'])} }`
        : JSON.stringify(statement);
    case 'vmap':
      return isJson(value) ? mapText(value, 'vmap') : JSON.stringify(statement);
    default:
      return JSON.stringify(statement);
  }
}

function matchText({ op, left, right }: Json): string {
  const run = op === '==' ? bitRun(left, right) : undefined;
  if (run !== undefined) return run;
  const what = expressionText(left);
  if (right === true) return `exthdr ${what} exists`;
  return `${what} ${op === '==' ? '' : String(op)} ${expressionText(right)}`;
}

/**
 * A raw payload match whose mask is one run of ones, as a match on just those bits: nft 1.0 lists whole bytes and a
 * mask, nft 1.1 the bits. Undefined for anything else; numbers stay below 2^48 (RUN_BITS in names.ts).
 */
function bitRun(left: unknown, right: unknown): string | undefined {
  if (!isJson(left) || !Array.isArray(left['&']) || typeof right !== 'number') return undefined;
  const [raw, mask] = left['&'] as readonly unknown[];
  const payload = isJson(raw) && isJson(raw['payload']) ? raw['payload'] : {};
  const { base, offset, len } = payload;
  if (typeof base !== 'string' || typeof offset !== 'number' || typeof len !== 'number') return undefined;
  const bits = typeof mask === 'number' ? mask.toString(2).padStart(len, '0') : '';
  const ones = /^(0*)(1+)(0*)$/.exec(bits);
  if (ones === null || bits.length !== len) return undefined;
  const [, before = '', run = '', behind = ''] = ones;
  const scale = 2 ** behind.length;
  if (right % scale !== 0) return undefined;
  return `@${base},${String(offset + before.length)},${String(run.length)} ${String(right / scale)}`;
}

function mapText({ key, data }: Json, keyword: string): string {
  return `${expressionText(key)} ${keyword} ${expressionText(data)}`;
}

function expressionText(expression: unknown): string {
  if (typeof expression === 'string' || typeof expression === 'number') return String(expression);
  if (!isJson(expression)) return JSON.stringify(expression);
  const [[name, value] = ['', undefined]] = Object.entries(expression);
  const list: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : [];
  if (name === 'concat') return list.map(expressionText).join(' . ');
  if (name === 'range') return list.map(expressionText).join('-');
  if (name === '&') return list.map(expressionText).join(' & ');
  if (name === 'set') return setText(list.map((element) => words(elementText(element))));
  if (!isJson(value)) return JSON.stringify(expression);
  const fields = [value['protocol'], value['name'], value['field']]
    .filter((field) => field !== undefined)
    .map(String);
  if (name === 'meta') {
    const key = String(value['key']);
    return key === 'iifname' || key === 'oifname' ? key : `meta ${key}`;
  }
  if (name === 'exthdr') return fields.join(' ');
  if (name === 'prefix') return `${String(value['addr'])}/${String(value['len'])}`;
  if (name !== 'payload') return JSON.stringify(expression);
  const { base, offset, len } = value;
  return typeof base === 'string' ? `@${base},${String(offset)},${String(len)}` : fields.join(' ');
}

function elementText(element: unknown): string {
  if (!Array.isArray(element)) return expressionText(element);
  const [key, target] = element as readonly unknown[];
  return `${expressionText(key)} : ${typeof target === 'string' ? target : statementText(target)}`;
}
