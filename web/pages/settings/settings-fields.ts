// The fields of each form of the settings page, and how their values become settings. A value that is not a number, or neither yes nor no,
// is passed on as text: the daemon reports what is wrong with it, and the fault is shown at its field.

import { createHash } from 'node:crypto';

import type { AllowText, Settings } from '../../../src/api/box.ts';
import type { Fault } from '../../../src/api/refusal.ts';
import { filled } from '../dossier/eve-words.ts';
import { linesOf } from '../../fields.ts';
import type { FieldPath } from '../../fields.ts';
import {
  DISCOVERY_CHOICES,
  DIRECT_CHOICES,
  PRIVACY_CHOICES,
  PRIVACY_KEY_CHOICES,
  PROFILE_CHOICES,
  SETTINGS_TEXTS as T,
  TRANSPORT_CHOICES,
} from './texts-settings.ts';

/** The forms of the page; each is sent to a path that ends with its name. */
export const PARTS = ['rules', 'record', 'address'] as const;
export type Part = (typeof PARTS)[number];

/** Empty rows for new exceptions. */
const BLANK_ROWS = 2;
/** Most exceptions in a policy. */
const ROWS_MOST = 256;
const ALLOW = ['to', 'transport', 'port', 'client', 'why'] as const;

type Allow = Readonly<Record<(typeof ALLOW)[number], string>>;

/** The values of the fields, from the settings in force or from a form that was sent. */
export interface FormValues {
  readonly fields: Readonly<Record<string, string>>;
  readonly allow: readonly Allow[];
}

const LISTS = ['mustTunnel', 'resolvers', 'proxies'] as const;

export function valuesOf(settings: Settings): FormValues {
  const { profile, direct, localChatter, privacy, privacyKey, retentionDays, management } = settings;
  const lists = LISTS.map((name) => [name, settings[name].join('\n')] as const);
  return {
    fields: {
      profile,
      direct,
      localChatter,
      privacy,
      privacyKey,
      retentionDays: String(retentionDays),
      ...Object.fromEntries(lists),
      address: management.address,
      hostname: management.hostname,
      ssh: management.ssh ? 'yes' : 'no',
    },
    allow: settings.allow.map(({ to, transport = '', port, client = '', why }) => ({
      to,
      transport,
      port: port === undefined ? '' : String(port),
      client,
      why,
    })),
  };
}

/** The values of a sent form, which has the fields of one part only, over `before`. */
export function valuesFrom(form: URLSearchParams, before: FormValues): FormValues {
  const fields = Object.fromEntries(
    Object.entries(before.fields).map(([name, value]) => [name, form.get(name) ?? value]),
  );
  if (!form.has('allow.0.to')) return { fields, allow: before.allow };
  const rows = Array.from({ length: ROWS_MOST }, (_, at) => at).filter((at) =>
    form.has(`allow.${String(at)}.to`),
  );
  const field = (at: number, name: string): string => (form.get(`allow.${String(at)}.${name}`) ?? '').trim();
  const allow = rows
    .map((at) => Object.fromEntries(ALLOW.map((name) => [name, field(at, name)])) as Allow)
    .filter(({ to }) => to !== '');
  return { fields, allow };
}

/** The settings of one part, as the local API takes them. */
export function settingsIn(part: Part, { fields, allow }: FormValues): Readonly<Record<string, unknown>> {
  const text = (name: string): string => (fields[name] ?? '').trim();
  if (part === 'address')
    return {
      management: { address: text('address'), hostname: text('hostname'), ssh: answerIn(text('ssh')) },
    };
  if (part === 'record')
    return {
      privacy: text('privacy'),
      privacyKey: text('privacyKey'),
      retentionDays: numberIn(text('retentionDays')),
    };
  return {
    profile: text('profile'),
    direct: text('direct'),
    localChatter: text('localChatter'),
    ...Object.fromEntries(LISTS.map((name) => [name, linesOf(fields[name] ?? '')])),
    allow: allow.map(allowIn),
  };
}

/** A digest of the settings that a form was made from; it changes whenever one of them does. */
export function basisOf(part: Part, settings: Settings): string {
  const json = JSON.stringify(settingsIn(part, valuesOf(settings)));
  return createHash('sha256').update(json).digest('base64url').slice(0, 22);
}

/** For each field whose value differs from the one in force, a fault that says what is in force. */
export function differences(part: Part, given: FormValues, inForce: FormValues): readonly Fault[] {
  const now = new Map(fieldsOf(part, inForce).map(({ name, value }) => [name, value]));
  const rows = (values: FormValues): string =>
    values.allow
      .map((row) =>
        ALLOW.map((name) => row[name])
          .join(' ')
          .trim(),
      )
      .join(', ');
  const others = fieldsOf(part, given)
    .filter(({ name, value }) => linesOf(value).join() !== linesOf(now.get(name) ?? '').join())
    .map(({ path, name }) => ({ path, current: linesOf(now.get(name) ?? '').join(', ') }));
  const exceptions = part === 'rules' && rows(given) !== rows(inForce);
  return [...others, ...(exceptions ? [{ path: 'allow', current: rows(inForce) }] : [])].map(
    ({ path, current }) => {
      const message = current === '' ? T.inForceNone : filled(T.inForce, { value: current });
      return { path, message, remedy: '' };
    },
  );
}

function allowIn({ to, transport, port, client, why }: Allow): Omit<AllowText, 'port'> & { port?: unknown } {
  return {
    to,
    ...(transport === '' ? {} : { transport }),
    ...(port === '' ? {} : { port: numberIn(port) }),
    ...(client === '' ? {} : { client }),
    why,
  };
}

function numberIn(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function answerIn(text: string): boolean | string {
  return text === 'yes' || text === 'no' ? text === 'yes' : text;
}

/** The fields of a part, without the exceptions (see allowRows). */
export function fieldsOf(part: Part, { fields }: FormValues): readonly FieldPath[] {
  const value = (name: string): string => fields[name] ?? '';
  if (part === 'address')
    return [
      {
        path: 'management.address',
        name: 'address',
        label: T.address,
        kind: 'text',
        value: value('address'),
        note: T.addressNote,
        maxLength: 32,
        required: true,
      },
      {
        path: 'management.hostname',
        name: 'hostname',
        label: T.hostname,
        kind: 'text',
        value: value('hostname'),
        maxLength: 253,
        required: true,
      },
      {
        path: 'management.ssh',
        name: 'ssh',
        label: T.ssh,
        kind: 'check',
        value: value('ssh'),
        note: T.sshNote,
      },
    ];
  if (part === 'record')
    return [
      {
        path: 'privacy',
        name: 'privacy',
        label: T.privacy,
        kind: 'radios',
        value: value('privacy'),
        options: PRIVACY_CHOICES,
      },
      {
        path: 'privacyKey',
        name: 'privacyKey',
        label: T.privacyKey,
        kind: 'radios',
        value: value('privacyKey'),
        options: PRIVACY_KEY_CHOICES,
      },
      {
        path: 'retentionDays',
        name: 'retentionDays',
        label: T.retentionDays,
        kind: 'number',
        value: value('retentionDays'),
        note: T.retentionNote,
        maxLength: 9,
        required: true,
      },
    ];
  const list = (name: (typeof LISTS)[number], note: string): FieldPath => ({
    path: name,
    name,
    label: T[name],
    kind: 'lines',
    value: value(name),
    note,
  });
  return [
    {
      path: 'profile',
      name: 'profile',
      label: T.profile,
      kind: 'radios',
      value: value('profile'),
      options: PROFILE_CHOICES,
    },
    list('mustTunnel', T.mustTunnelNote),
    {
      path: 'direct',
      name: 'direct',
      label: T.direct,
      kind: 'radios',
      value: value('direct'),
      options: DIRECT_CHOICES,
      note: T.directNote,
    },
    list('resolvers', T.resolversNote),
    list('proxies', T.proxiesNote),
    {
      path: 'localChatter',
      name: 'localChatter',
      label: T.localChatter,
      kind: 'choice',
      value: value('localChatter'),
      options: DISCOVERY_CHOICES,
      note: T.localDiscoveryNote,
    },
  ];
}

/** A row of fields for each exception, and empty rows for new ones. */
export function allowRows({ allow }: FormValues): readonly (readonly FieldPath[])[] {
  const blank: Allow = { to: '', transport: '', port: '', client: '', why: '' };
  const rows = [...allow, ...Array.from({ length: BLANK_ROWS }, () => blank)].slice(0, ROWS_MOST);
  return rows.map((row, at) => {
    const text = (name: (typeof ALLOW)[number], label: string, maxLength: number): FieldPath => ({
      path: `allow[${String(at)}].${name}`,
      name: `allow.${String(at)}.${name}`,
      label,
      maxLength,
      kind: 'text',
      value: row[name],
    });
    return [
      text('to', T.allowTo, 64),
      {
        path: `allow[${String(at)}].transport`,
        name: `allow.${String(at)}.transport`,
        label: T.allowTransport,
        kind: 'choice',
        value: row.transport,
        options: TRANSPORT_CHOICES,
      },
      text('port', T.allowPort, 5),
      text('client', T.allowClient, 17),
      text('why', T.allowWhy, 200),
    ];
  });
}
