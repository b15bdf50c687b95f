// Which frames are bent: those of the corpus where it is there, and hand-made ones.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readCapture } from '../../appliance/capture-files/capture-file.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { readHeaders } from '../../src/flow/headers/headers.ts';
import * as made from '../policy/frames.ts';

const DIRECTORY = fileURLToPath(new URL('../../../shared/corpus/pcap', import.meta.url));
/** Frames taken of one capture: enough for every protocol in it, and captures weigh alike. */
const PER_CAPTURE = 60;
const LONGEST = 1600;

export interface SeedFrame {
  readonly bytes: Uint8Array;
  readonly linkType: number;
  /** Where the upper layer's payload begins, 0 when there is none. */
  readonly payload: number;
}

/** All frames to begin with, in an order that does not change. */
export async function loadSeeds(): Promise<readonly SeedFrame[]> {
  const seeds: SeedFrame[] = handMade().map((bytes) => seedOf(bytes, 1));
  if (!existsSync(DIRECTORY)) return seeds;
  for (const file of readdirSync(DIRECTORY).sort()) {
    let taken = 0;
    const sink = {
      packet(bytes: Uint8Array, start: number, end: number, _wireLength: number, linkType: number): void {
        if (taken >= PER_CAPTURE || end === start) return;
        taken += 1;
        // A Node buffer's own slice would share memory that the next chunk overwrites.
        const frame = new Uint8Array(bytes.subarray(start, Math.min(end, start + LONGEST)));
        seeds.push(seedOf(frame, linkType));
      },
    };
    const options = { stdin: Readable.from([]), signal: new AbortController().signal };
    await readCapture(join(DIRECTORY, file), sink, options);
  }
  return seeds;
}

function seedOf(bytes: Uint8Array, linkType: number): SeedFrame {
  const packet = new ParsedPacket();
  readHeaders(bytes, 0, bytes.length, bytes.length, linkType, packet);
  return { bytes, linkType, payload: packet.payloadOffset < bytes.length ? packet.payloadOffset : 0 };
}

function handMade(): Uint8Array[] {
  const query = made.dnsQuery('leak.example');
  return [
    made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, query))),
    made.ethernet(0x0800, made.ipv4(17, made.udp(5353, 5353, made.dnsAnswer('a.example', '192.0.2.1')))),
    made.ethernet(0x0800, made.ipv4(17, made.udp(68, 67, made.dhcp4(1)))),
    made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 51820, made.wireguard(1)))),
    made.ethernet(0x0800, made.ipv4(6, made.tcp(4000, 80, made.text('GET / HTTP/1.1\r\nHost: a\r\n\r\n')))),
    made.ethernet(0x86dd, made.ipv6(58, made.icmp6(134))),
    made.ethernet(0x86dd, made.ipv6(17, made.udp(546, 547, made.dhcp6(1)))),
    made.ethernet(0x0806, made.arp(1)),
    made.ethernet(0x8100, [0, 5, 8, 0, ...made.ipv4(17, made.udp(4000, 53, query))]),
    made.ethernet(0x0800, made.ipv4(47, [0, 0, 8, 0, ...made.ipv4(17, made.udp(4000, 53, query))])),
  ];
}
