// Edits tunnels and settings in the text of a policy and keeps its comments, through the document model of YAML 1.2.
// The result still has to be parsed: it may not be a valid policy.

import { isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Document } from 'yaml';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint } from '../policy.ts';
import { policyDocument } from './schema-text.ts';
import type { TunnelSettings } from './wireguard-settings.ts';

/** A tunnel to be written into a policy, by name; settings that are absent are not written. */
export interface TunnelEdit extends TunnelSettings {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  /** The ten hexadecimal digits of the client's node. */
  readonly zerotier?: string | undefined;
  /** Agreement to peers at any address. */
  readonly anywhere?: boolean | undefined;
  /** Date of a server list, `2026-11-29`; if present, its endpoints replace those that the tunnel has. */
  readonly listed?: string | undefined;
  /** What becomes of the endpoints that a tunnel of that name has; `add` if absent. */
  readonly existing?: unknown;
}

/** A valid policy's document. An edit changes it in place, so it can be used once only. */
export type PolicyDocument = Document.Parsed;
type Edited = string | PolicyDocument;

function documentOf(edited: Edited): Document.Parsed {
  return typeof edited === 'string' ? policyDocument(edited) : edited;
}

/**
 * The policy's text with the tunnel appended. If a tunnel has that name, its endpoints are added to it or, with `listed` or
 * `existing: 'replace'`, replaced. Throws RangeError when the text is not a valid policy.
 */
export function withTunnel(policy: Edited, tunnel: TunnelEdit): string {
  const document = documentOf(policy);
  const endpoints = tunnel.endpoints.map(formatEndpoint);
  const index = indexOf(document, tunnel.name);
  if (index >= 0) {
    const path = ['tunnels', index, 'endpoints'];
    if (tunnel.listed !== undefined) {
      document.setIn(path, document.createNode(endpoints));
      document.setIn(['tunnels', index, 'listed'], tunnel.listed);
      return document.toString();
    }
    if (tunnel.existing === 'replace') {
      document.setIn(['tunnels', index, 'protocol'], tunnel.protocol);
      document.setIn(path, document.createNode(endpoints));
      for (const key of ['listed', 'reserved', 'amnezia', 'zerotier', 'anywhere'])
        document.deleteIn(['tunnels', index, key]);
    }
    const list = document.getIn(path);
    const known = new Set<unknown>(isSeq(list) ? list.toJSON() : []);
    for (const endpoint of endpoints) if (!known.has(endpoint)) document.addIn(path, endpoint);
    for (const [key, value] of Object.entries(settingsOf(tunnel)))
      document.setIn(['tunnels', index, key], document.createNode(value));
    return document.toString();
  }
  const entry = document.createNode({
    name: tunnel.name,
    protocol: tunnel.protocol,
    endpoints,
    ...settingsOf(tunnel),
    ...(tunnel.listed === undefined ? {} : { listed: tunnel.listed }),
  });
  const list = document.get('tunnels');
  if (isSeq(list)) {
    // An empty list is written `[]`; a list with elements has one per line.
    if (list.items.length === 0) list.flow = false;
    list.add(entry);
  } else {
    document.set('tunnels', document.createNode([entry]));
  }
  return document.toString();
}

/** Without the keys that were not given (exactOptionalPropertyTypes). */
function settingsOf({
  reserved,
  amnezia,
  zerotier,
  anywhere,
}: TunnelEdit): Pick<TunnelEdit, 'reserved' | 'amnezia' | 'zerotier' | 'anywhere'> {
  return {
    ...(reserved === undefined ? {} : { reserved }),
    ...(amnezia === undefined ? {} : { amnezia }),
    ...(zerotier === undefined ? {} : { zerotier }),
    ...(anywhere === undefined ? {} : { anywhere }),
  };
}

/**
 * The policy's text without the tunnel of that name; undefined when there is no such tunnel. Throws RangeError when the text is not a valid
 * policy.
 */
export function withoutTunnel(policy: Edited, name: string): string | undefined {
  const document = documentOf(policy);
  const index = indexOf(document, name);
  if (index < 0) return undefined;
  document.deleteIn(['tunnels', index]);
  return document.toString();
}

/**
 * The policy's text without this endpoint of the tunnel, which must have another one; undefined when there is no such tunnel or endpoint,
 * `last` when it is the only one. Throws RangeError when the text is not a valid policy.
 */
export function withoutEndpoint(
  policy: Edited,
  name: string,
  endpoint: Endpoint,
): { readonly text: string } | 'last' | undefined {
  const document = documentOf(policy);
  const path = ['tunnels', indexOf(document, name), 'endpoints'];
  const list = document.getIn(path);
  if (!isSeq(list)) return undefined;
  const text = formatEndpoint(endpoint);
  // As the policy writes it, an endpoint may have another form, such as an address with leading zeros.
  const left = list.items.filter((item) => {
    const known = parseEndpoint(isScalar(item) ? String(item.value) : '');
    return known === undefined || formatEndpoint(known) !== text;
  });
  if (left.length === list.items.length) return undefined;
  if (left.length === 0) return 'last';
  list.items = left;
  return { text: document.toString() };
}

/**
 * The policy's text with these top-level settings replaced. What does not change keeps its form and its comments. Values may be any
 * JSON: the schema finds what is wrong with them. Throws RangeError when the text is not a valid policy.
 */
export function withSettings(policy: Edited, settings: Readonly<Record<string, unknown>>): string {
  const document = documentOf(policy);
  for (const [name, value] of Object.entries(settings)) put(document, [name], value);
  return document.toString();
}

function put(document: Document, path: readonly string[], value: unknown): void {
  const held = document.getIn(path, true);
  if (isNode(held) && sameJson(held.toJS(document), value)) return;
  if (Array.isArray(value) && isSeq(held)) {
    const known = new Map<string, unknown[]>();
    for (const item of held.items.filter(isNode)) {
      const json = JSON.stringify(item.toJS(document));
      const same = known.get(json);
      if (same === undefined) known.set(json, [item]);
      else same.push(item);
    }
    // An element that stays keeps its line and comments; an empty list is written `[]`, another one element per line.
    if (held.items.length === 0) held.flow = false;
    held.items = (value as unknown[]).map(
      (element) => known.get(JSON.stringify(element))?.pop() ?? document.createNode(element),
    );
    if (value.length === 0) held.flow = true;
  } else if (isMap(held) && isPlainObject(value)) {
    for (const [name, inner] of Object.entries(value)) put(document, [...path, name], inner);
  } else {
    document.setIn(path, value);
  }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function indexOf(document: Document, name: string): number {
  const list = document.get('tunnels');
  if (!isSeq(list)) return -1;
  return list.items.findIndex((item) => isMap(item) && item.get('name') === name);
}
