// Knows: how tunnels are put into and taken out of a policy's text with its comments kept. Must not know: files, frames.
// Follows YAML 1.2 by way of the document model. The result is a policy only when schema.ts says so.

import { isMap, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { formatEndpoint } from './endpoint.ts';
import type { Endpoint, TunnelProtocol } from './policy.ts';

export interface TunnelEdit {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
}

/** The text with the tunnel behind the others; to a tunnel of that name its endpoints are added. */
export function withTunnel(yamlText: string, tunnel: TunnelEdit): string {
  const document = parseDocument(yamlText);
  const endpoints = tunnel.endpoints.map(formatEndpoint);
  const index = indexOf(document, tunnel.name);
  if (index >= 0) {
    const path = ['tunnels', index, 'endpoints'];
    const list = document.getIn(path);
    const known: unknown[] = isSeq(list) ? list.toJSON() : [];
    for (const endpoint of endpoints) if (!known.includes(endpoint)) document.addIn(path, endpoint);
    return document.toString();
  }
  const entry = document.createNode({ name: tunnel.name, protocol: tunnel.protocol, endpoints });
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

/** The text without the tunnel of that name; undefined when there is none. */
export function withoutTunnel(yamlText: string, name: string): string | undefined {
  const document = parseDocument(yamlText);
  const index = indexOf(document, name);
  if (index < 0) return undefined;
  document.deleteIn(['tunnels', index]);
  return document.toString();
}

function indexOf(document: Document, name: string): number {
  const list = document.get('tunnels');
  if (!isSeq(list)) return -1;
  return list.items.findIndex((item) => isMap(item) && item.get('name') === name);
}
