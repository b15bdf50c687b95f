// Knows: the part of a policy that people change on the page, as plain texts and numbers. Must not know: YAML, forms.
// What is written here is read by schema-parts.ts again: a round trip changes nothing.

import { formatEndpoint, formatResolver } from './endpoint.ts';
import type { AllowRule, NamePattern, Policy, Prefix } from './policy.ts';

/** An allow rule as the file writes it. */
export interface AllowText {
  readonly to: string;
  readonly transport?: string;
  readonly port?: number;
  readonly client?: string;
  readonly why: string;
}

export interface Settings {
  readonly profile: string;
  readonly mustTunnel: readonly string[];
  readonly direct: string;
  readonly resolvers: readonly string[];
  readonly proxies: readonly string[];
  readonly allow: readonly AllowText[];
  readonly localChatter: string;
  readonly privacy: string;
  readonly privacyKey: string;
  readonly retentionDays: number;
  readonly management: { readonly address: string; readonly hostname: string; readonly ssh: boolean };
  /** Which kind of lamp there is, `none` for none. */
  readonly lamp: string;
}

/** Settings that an edit may name; the lamp is wired, not chosen on a page. */
export const EDITABLE = [
  ...(['profile', 'mustTunnel', 'direct', 'resolvers', 'proxies', 'allow'] as const),
  ...(['localChatter', 'privacy', 'privacyKey', 'retentionDays', 'management'] as const),
] as const;

export function settingsOf(policy: Policy): Settings {
  const { profile, direct, localChatter, privacy, privacyKey, retentionDays, management, lamp } = policy;
  const { address, hostname, ssh } = management;
  return {
    ...{ profile, direct, localChatter, privacy, privacyKey, retentionDays, lamp: lamp.driver },
    mustTunnel: policy.mustTunnel.map(patternText),
    resolvers: policy.resolvers.map(formatResolver),
    proxies: policy.proxies.map(formatEndpoint),
    allow: policy.allow.map(allowText),
    management: { address: typeof address === 'object' ? address.static : address, hostname, ssh },
  };
}

function patternText({ suffix, itself }: NamePattern): string {
  return itself ? suffix : `*.${suffix}`;
}

function allowText({ to, ...rest }: AllowRule): AllowText {
  return { to: prefixText(to), ...rest };
}

function prefixText({ ipVersion, address, length }: Prefix): string {
  return length === (ipVersion === 4 ? 32 : 128) ? address : `${address}/${String(length)}`;
}
