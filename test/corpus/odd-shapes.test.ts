// Checks that names in odd places are read, by us and by tshark alike.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { hasTshark } from './captures.ts';
import { ODD_CAPTURES } from './odd-shapes.ts';
import type { OddCapture } from './odd-shapes.ts';

const directory = mkdtempSync(join(tmpdir(), 'leakguard-odd-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function namesOf({ frames, linkType }: OddCapture): string[] {
  const dissector = new Dissector({ quic: nodeQuicCrypto });
  const packet = new ParsedPacket();
  const names = new Set<string>();
  for (const [at, frame] of frames.entries()) {
    const bytes = Uint8Array.from(frame);
    dissector.headers(bytes, 0, bytes.length, bytes.length, linkType, packet);
    dissector.application(bytes, packet, at * 1000);
    for (const { via, name } of packet.findings.names) names.add(`${via} ${name}`);
  }
  return [...names].sort();
}

const FIELDS = [
  'frame.protocols',
  'dns.qry.name',
  'tls.handshake.extensions_server_name',
  'http.host',
  'nbns.name',
];
const PREFERENCES = ['-o', 'tcp.reassemble_out_of_order:TRUE'];

function namesOfTshark({ frames, linkType }: OddCapture): string[] {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000000000000', 'hex');
  header.writeUInt32LE(linkType, 20);
  const records = frames.flatMap((frame, at) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(at, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, Buffer.from(frame)];
  });
  const path = join(directory, `${linkType}.pcap`);
  writeFileSync(path, Buffer.concat([header, ...records]));
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const text = execFileSync('tshark', ['-n', '-r', path, ...PREFERENCES, '-T', 'fields', ...fields], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    const [protocols = '', dns = '', sni = '', host = '', nbns = ''] = line.split('\t');
    const via = /:(mdns|llmnr)/.exec(protocols)?.[1] ?? 'dns';
    for (const name of list(dns)) names.add(`${via} ${name}`);
    for (const name of list(sni)) names.add(`sni ${name}`);
    for (const name of list(host)) names.add(`http ${name.trim().replace(/:\d+$/, '')}`);
    for (const name of list(nbns)) names.add(`nbns ${name.replace(/<.*$/, '').trim()}`);
  }
  return [...names].sort();
}

function list(field: string): string[] {
  return field === '' ? [] : field.toLowerCase().split(',');
}

describe.each(ODD_CAPTURES)('$title', (capture) => {
  test('every name is read', () => {
    expect(namesOf(capture)).toEqual([...capture.names].sort());
  });

  test.runIf(hasTshark)('tshark reads the same', () => {
    expect(namesOfTshark(capture)).toEqual([...capture.names].sort());
  });
});
