// The parts of the policy file as zod types that end in the types of policy.ts; checks across fields are in schema-checks.ts.
// Every refusal says how to fix it: the remedy is in the params of zod's issue.

import { z } from 'zod';
import { macText, parseMac } from '../../wire/ip/address.ts';
import { usualDirect } from '../filter/direct.ts';
import { parseEndpoint, parseHostName, parseNamePattern, parsePrefix, parseResolver } from './endpoint.ts';
import { zerotierForm } from '../shapes/protocols.ts';
import { TUNNEL_PROTOCOLS } from '../../flow/kinds.ts';
import { DIRECT, PROFILES } from '../policy.ts';
import type { AllowRule, LedConfig, Policy, Tunnel } from '../policy.ts';
import { AMNEZIA_KEYS, formOf } from './wireguard-settings.ts';

/** A string that `parse` turns into a value; refused with `message` and `remedy` when it returns undefined. */
function parsed<T>(parse: (text: string) => T | undefined, message: string, remedy: string): z.ZodType<T> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message: `"${text}" ${message}`, params: { remedy }, input: text });
    return z.NEVER;
  });
}

const endpoint = parsed(
  parseEndpoint,
  'is not an endpoint',
  'Write transport, host and port: "udp:198.51.100.7:51820", "udp:[2001:db8::7]:51820" or "udp:vpn.example.com:51820"; ports may be "4000-33433" or "*", and the address may be a network: "udp:198.51.100.0/24:51820".',
);

const resolver = parsed(
  parseResolver,
  'is not an encrypted resolver',
  'Write "dot:9.9.9.9:853", "doq:9.9.9.9:853" or "doh:203.0.113.5:443/dns.example".',
);

const namePattern = parsed(
  parseNamePattern,
  'is not a domain name',
  'Write "bank.example" for a name and all names below it, or "*.clinic.example" only for those below it.',
);

const prefix = parsed(
  parsePrefix,
  'is not an address or network',
  'Write "192.0.2.9", "192.0.2.0/24" or "2001:db8:5::/64", with no bits set after the prefix length.',
);

const hostName = parsed(parseHostName, 'is not a host name', 'Use letters, digits, hyphens and dots.');

const mac = parsed(
  (text) => {
    const number = parseMac(text);
    return number === undefined ? undefined : macText(number);
  },
  'is not a MAC address',
  'Write six bytes: "02:00:00:00:00:0c".',
);

/**
 * Linux allows 15 bytes (IFNAMSIZ); the characters allowed here need no quoting anywhere, because the name becomes part of the text
 * of the ruleset.
 */
const interfaceName = z.string().check((context) => {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(context.value)) return;
  context.issues.push({
    code: 'custom',
    message: `"${context.value}" is not an interface name`,
    params: { remedy: 'Write the name as `ip link` shows it: at most 15 letters, digits, "_", "-" or ".".' },
    input: context.value,
  });
});

const portNumber = z.int().min(1).max(65535);

const sentence = z.string().trim().min(1).max(200);

const zerotier = parsed(
  zerotierForm,
  'is not the address of a ZeroTier node',
  'Write the ten digits that `zerotier-cli info` shows for this device, in quotes: "0123456789".',
);

const amnezia = z.strictObject(
  Object.fromEntries(AMNEZIA_KEYS.map((key) => [key, z.union([z.string(), z.number()]).optional()])),
);

const tunnel = z
  .strictObject({
    name: z
      .string()
      .trim()
      .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u),
    protocol: z.enum(TUNNEL_PROTOCOLS),
    endpoints: z.array(endpoint).min(1).max(20_000),
    reserved: z.union([z.literal('any'), z.array(z.int())]).optional(),
    amnezia: amnezia.optional(),
    zerotier: zerotier.optional(),
    anywhere: z.boolean().optional(),
    listed: z.iso.date().optional(),
  })
  .transform(({ reserved, amnezia: settings, zerotier: node, ...more }, context): Tunnel => {
    const rest = withoutUndefined(more);
    // Settings of another protocol are found by schema-checks.ts.
    if (node !== undefined && reserved === undefined && settings === undefined)
      return { ...rest, form: node };
    const form = formOf({ reserved, amnezia: settings });
    if (form === undefined) return rest;
    if ('wrong' in form) {
      const message = `"${form.wrong.at(-1) ?? ''}" is not valid`;
      context.issues.push({
        code: 'custom',
        message,
        path: [...form.wrong],
        params: { remedy: form.remedy },
        input: settings,
      });
      return z.NEVER;
    }
    return { ...rest, form };
  });

const allow = z
  .strictObject({
    to: prefix,
    transport: z.enum(['udp', 'tcp', 'icmp']).optional(),
    port: portNumber.optional(),
    client: mac.optional(),
    why: sentence,
  })
  .transform((rule): AllowRule => withoutUndefined(rule));

const lamp = z.discriminatedUnion('driver', [
  z.strictObject({ driver: z.literal('none') }),
  z.strictObject({ driver: z.literal('file'), path: ledPath() }),
  z.strictObject({ driver: z.literal('leds'), red: ledName(), green: ledName() }),
  z
    .strictObject({ driver: z.literal('gpio'), red: line(), green: line(), button: line().optional() })
    .transform((config): LedConfig & { driver: 'gpio' } => withoutUndefined(config)),
]);

/**
 * A file in the runtime directory: a relative path, or an absolute one. The policy does not know that directory:
 * appliance/led/file-led.ts checks that the path is inside it.
 */
function ledPath(): z.ZodType<string> {
  return parsed(
    (text) => {
      const isPlain = text.length > 0 && text.length <= 512 && !text.includes('\0') && !text.endsWith('/');
      return isPlain && !text.split('/').includes('..') ? text : undefined;
    },
    'is not a file in the runtime directory',
    'Write a name such as "LED" for a file in the runtime directory (/run/leakguard), without "..".',
  );
}

/** A directory in /sys/class/leds; the characters allow no path out of it. */
function ledName(): z.ZodType<string> {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$/);
}

function line(): z.ZodInt {
  return z.int().min(0).max(1023);
}

const management = z.strictObject({
  address: z.union([z.enum(['dhcp', 'none']), staticAddress()]).default('dhcp'),
  hostname: hostName.default('leakguard'),
  ssh: z.boolean().default(false),
});

/** `192.0.2.9/24`: the box's address and the prefix length of its network. */
function staticAddress(): z.ZodType<{ readonly static: string }> {
  return parsed(
    (text) => {
      const match = /^(\d+\.\d+\.\d+\.\d+)\/([1-9]|[12]\d|30)$/.exec(text);
      return match !== null && parsePrefix(match[1] ?? '') !== undefined ? { static: text } : undefined;
    },
    'is not a management address',
    'Write "dhcp", "none" or an IPv4 address with its prefix length: "192.0.2.9/24".',
  );
}

/** Without the keys whose value is undefined (exactOptionalPropertyTypes). */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(value).filter(([, held]) => held !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const file = z.strictObject({
  version: z.literal(1),
  profile: z.enum(PROFILES).default('full-tunnel'),
  tunnels: z.array(tunnel).max(1024).default([]),
  resolvers: z.array(resolver).max(64).default([]),
  proxies: z.array(endpoint).max(64).default([]),
  mustTunnel: z.array(namePattern).max(256).default([]),
  direct: z.enum(DIRECT).optional(),
  allow: z.array(allow).max(256).default([]),
  localChatter: z.enum(['red', 'amber', 'ignore']).default('amber'),
  privacy: z.enum(['full', 'redacted', 'minimal']).default('full'),
  privacyKey: z.enum(['disk', 'memory']).default('disk'),
  retentionDays: z.int().min(1).max(3650).default(30),
  bridge: z
    .strictObject({
      name: interfaceName.default('br0'),
      lan: interfaceName.default('lan0'),
      wan: interfaceName.default('wan0'),
    })
    .prefault({}),
  management: management.prefault({}),
  web: z.strictObject({ port: portNumber.default(80) }).prefault({}),
  lamp: lamp.default({ driver: 'none' }),
  relock: z.enum(['closed', 'open']).default('closed'),
});

/**
 * The whole file with its defaults; checks across fields are in schema-checks.ts. The remedy of a refusal is in the `params` of zod's
 * issue.
 */
export const policyFile: z.ZodType<Policy> = file.transform(({ direct, ...policy }) => ({
  ...policy,
  direct: direct ?? usualDirect(policy),
}));
