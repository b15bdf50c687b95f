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
/** Name of a form. */
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

/** How a setting is written into a field, and what the field's text stands for. */
const FORMS = {
  text: { write: String, read: (text: string): unknown => text.trim() },
  number: { write: String, read: (text: string): unknown => numberIn(text.trim()) },
  flag: {
    write: (value: unknown): string => (value === true ? 'yes' : 'no'),
    read: (text: string): unknown => answerIn(text.trim()),
  },
  lines: {
    write: (value: unknown): string => (value as readonly string[]).join('\n'),
    read: (text: string): unknown => linesOf(text),
  },
} as const;

interface SettingField extends Omit<FieldPath, 'name' | 'value'> {
  readonly part: Part;
  readonly form: keyof typeof FORMS;
}

const radios = (part: Part, path: string): Pick<SettingField, 'part' | 'path' | 'form' | 'kind'> => ({
  part,
  path,
  form: 'text',
  kind: 'radios',
});
const lines = (path: string): Pick<SettingField, 'part' | 'path' | 'form' | 'kind'> => ({
  part: 'rules',
  path,
  form: 'lines',
  kind: 'lines',
});

/** Every setting of the page but the exceptions, in the page's order; `path` is the setting's place in the policy. */
const FIELDS: readonly SettingField[] = [
  { ...radios('rules', 'profile'), label: T.profile, options: PROFILE_CHOICES },
  { ...lines('mustTunnel'), label: T.mustTunnel, note: T.mustTunnelNote },
  { ...radios('rules', 'direct'), label: T.direct, options: DIRECT_CHOICES, note: T.directNote },
  { ...lines('resolvers'), label: T.resolvers, note: T.resolversNote },
  { ...lines('proxies'), label: T.proxies, note: T.proxiesNote },
  {
    ...radios('rules', 'localChatter'),
    kind: 'choice',
    label: T.localChatter,
    options: DISCOVERY_CHOICES,
    note: T.localDiscoveryNote,
  },
  { ...radios('record', 'privacy'), label: T.privacy, options: PRIVACY_CHOICES },
  { ...radios('record', 'privacyKey'), label: T.privacyKey, options: PRIVACY_KEY_CHOICES },
  {
    part: 'record',
    path: 'retentionDays',
    form: 'number',
    kind: 'number',
    label: T.retentionDays,
    note: T.retentionNote,
    maxLength: 9,
    required: true,
  },
  {
    part: 'address',
    path: 'management.address',
    form: 'text',
    kind: 'text',
    label: T.address,
    note: T.addressNote,
    maxLength: 32,
    required: true,
  },
  {
    part: 'address',
    path: 'management.hostname',
    form: 'text',
    kind: 'text',
    label: T.hostname,
    maxLength: 253,
    required: true,
  },
  { part: 'address', path: 'management.ssh', form: 'flag', kind: 'check', label: T.ssh, note: T.sshNote },
];

/** The name of a field in its form: the last part of its path. */
const nameOf = ({ path }: Pick<SettingField, 'path'>): string => path.slice(path.lastIndexOf('.') + 1);

/** The values of all fields for the settings in force: lists with one entry per line, flags as `yes` or `no`, '' for what is absent. */
export function valuesOf(settings: Settings): FormValues {
  const values: Readonly<Record<string, unknown>> = { ...settings, ...settings.management };
  return {
    fields: Object.fromEntries(
      FIELDS.map((field) => [nameOf(field), FORMS[field.form].write(values[nameOf(field)])]),
    ),
    allow: settings.allow.map(({ to, transport = '', port, client = '', why }) => ({
      to,
      transport,
      port: port === undefined ? '' : String(port),
      client,
      why,
    })),
  };
}

/**
 * The values of a sent form, which has the fields of one part only, over `before`; values are not checked. Exceptions without a destination
 * are left out.
 */
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

/**
 * The settings of one part, as the local API takes them (PUT /v1/settings): numbers and flags where the text is one, otherwise the text,
 * which the daemon refuses.
 */
export function settingsIn(part: Part, { fields, allow }: FormValues): Readonly<Record<string, unknown>> {
  const read = FIELDS.filter((field) => field.part === part).map((field) => [
    nameOf(field),
    FORMS[field.form].read(fields[nameOf(field)] ?? ''),
  ]);
  const settings = Object.fromEntries(read) as Readonly<Record<string, unknown>>;
  if (part === 'address') return { management: settings };
  return part === 'rules' ? { ...settings, allow: allow.map(allowIn) } : settings;
}

/** A digest of the settings that a form was made from (SHA-256, 22 characters of base64url); it changes whenever one of them does. */
export function basisOf(part: Part, settings: Settings): string {
  const json = JSON.stringify(settingsIn(part, valuesOf(settings)));
  return createHash('sha256').update(json).digest('base64url').slice(0, 22);
}

/**
 * For each field whose value differs from the one in force, a fault at its path that says what is in force, without a remedy; empty when
 * none differs. Spaces and empty lines do not count.
 */
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

/** The fields of one part with their values, in the page's order; exceptions have fields of their own, row by row (`allowRows`). */
export function fieldsOf(part: Part, { fields }: FormValues): readonly FieldPath[] {
  return FIELDS.filter((field) => field.part === part).map((field) => ({
    ...field,
    name: nameOf(field),
    value: fields[nameOf(field)] ?? '',
  }));
}

/**
 * A row of fields for each exception, and two empty rows for new ones, at most ROWS_MOST in all. Names are `allow.N.to` and so on, counted
 * from 0.
 */
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
