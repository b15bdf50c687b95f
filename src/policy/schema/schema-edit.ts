// Knows: how tunnels and settings of a policy's text are changed with its comments kept. Must not know: files, frames.
// Follows YAML 1.2 by way of the document model. The result is a policy only when schema.ts says so.

import { isMap, isNode, isSeq } from 'yaml';
import type { Document } from 'yaml';
import { formatEndpoint } from './endpoint.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint } from '../policy.ts';
import { policyDocument } from './schema-text.ts';
import type { TunnelSettings } from './wireguard-settings.ts';

export interface TunnelEdit extends TunnelSettings {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  readonly zerotier?: string | undefined;
  /** The yes to peers anywhere. */
  readonly anywhere?: boolean | undefined;
  /** The day on which a list of servers was made: its endpoints then replace those of before. */
  readonly listed?: string | undefined;
}

/** A valid policy: its text, or the document it was read from, which an edit uses up. */
export type PolicyDocument = Document.Parsed;
type Edited = string | PolicyDocument;

function documentOf(edited: Edited): Document.Parsed {
  return typeof edited === 'string' ? policyDocument(edited) : edited;
}

/** The text of a policy with the tunnel behind the others; to a tunnel of that name its endpoints are added. */
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
    // An empty list is written `[]`: what is put into it is written out.
    if (list.items.length === 0) list.flow = false;
    list.add(entry);
  } else {
    document.set('tunnels', document.createNode([entry]));
  }
  return document.toString();
}

/** exactOptionalPropertyTypes: what was not given is not written. */
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

/** The text without the tunnel of that name; undefined when there is none. */
export function withoutTunnel(policy: Edited, name: string): string | undefined {
  const document = documentOf(policy);
  const index = indexOf(document, name);
  if (index < 0) return undefined;
  document.deleteIn(['tunnels', index]);
  return document.toString();
}

/**
 * The text with these settings in place of its own, by their name at the top; others stay. What does not change keeps its
 * form and its comments. Values may be anything JSON has: the schema says what is wrong.
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
      const told = JSON.stringify(item.toJS(document));
      const same = known.get(told);
      if (same === undefined) known.set(told, [item]);
      else same.push(item);
    }
    // An element that stays keeps its own line; an empty list is written `[]`, and what is put into it is written out.
    if (held.items.length === 0) held.flow = false;
    held.items = (value as unknown[]).map(
      (one) => known.get(JSON.stringify(one))?.pop() ?? document.createNode(one),
    );
    if (value.length === 0) held.flow = true;
  } else if (isMap(held) && isPlainObject(value)) {
    for (const [name, one] of Object.entries(value)) put(document, [...path, name], one);
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
