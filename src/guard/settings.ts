// The part of a policy that people edit on the page, as plain texts and numbers. src/policy/schema/schema-parts.ts reads these
// texts back: a round trip changes nothing.

import type { AllowText, Settings } from '../api/box.ts';
import { formatEndpoint, formatResolver } from '../policy/schema/endpoint.ts';
import type { AllowRule, NamePattern, Policy, Prefix } from '../policy/policy.ts';

/** The editable settings of a policy, each as the policy file writes it. */
export function settingsOf(policy: Policy): Settings {
  const { profile, direct, localChatter, privacy, privacyKey, retentionDays, management, lamp } = policy;
  const { address, hostname, ssh } = management;
  return {
    profile,
    direct,
    localChatter,
    privacy,
    privacyKey,
    retentionDays,
    lamp: lamp.driver,
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
