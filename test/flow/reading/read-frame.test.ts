// What a person is told of a captured frame, and which of its bytes.

import { describe, expect, it } from 'vitest';

import type { FrameReading } from '../../../src/flow/reading/frame-reading.ts';
import { MAX_READINGS, MAX_VALUE_LENGTH, readFrame } from '../../../src/flow/reading/read-frame.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { clientHello } from '../../policy/tls-hello.ts';

const read = (bytes: Uint8Array): FrameReading => readFrame(bytes, bytes.length);
const udp = (from: number, to: number, payload: Bytes): Uint8Array =>
  made.ethernet(0x0800, made.ipv4(17, made.udp(from, to, payload)));
const tcp = (to: number, payload: Bytes): Uint8Array =>
  made.ethernet(0x0800, made.ipv4(6, made.tcp(4000, to, payload)));

/** What was read, by what it is: its value, and the bytes that are marked for it. */
function told(bytes: Uint8Array): Record<string, readonly string[]> {
  const all: Record<string, string[]> = {};
  for (const { what, value, marks } of read(bytes).readings) {
    const marked = marks.map(({ start, end }) => Buffer.from(bytes.subarray(start, end)).toString('latin1'));
    all[what] = [...(all[what] ?? []), value, ...marked];
  }
  return all;
}

describe('a frame read by itself', () => {
  it('tells of a question who asked whom for what, and where that stands', () => {
    const frame = udp(4000, 53, made.dnsQuery('Leak.example'));
    expect(told(frame)).toMatchObject({
      kind: ['dns, asks for A'],
      'source-mac': [made.CLIENT, '\x02\x00\x00\x00\x00\x0c'],
      'source-port': ['4000', '\x0f\xa0'],
      'destination-port': ['53', '\x00\x35'],
      dns: ['leak.example', '\x04Leak\x07example\x00'],
    });
    const { readings } = read(frame);
    const marksOf = (what: string): unknown => readings.find((one) => one.what === what)?.marks;
    expect(marksOf('source')).toEqual([{ start: 26, end: 30 }]);
    expect(marksOf('destination')).toEqual([{ start: 30, end: 34 }]);
  });

  it.each([
    [
      'an answer',
      udp(5353, 5353, made.dnsAnswer('a.example', '192.0.2.1')),
      'mdns',
      'a.example',
      '\x01a\x07example\x00',
    ],
    ['a hello', tcp(443, clientHello('bank.example')), 'sni', 'bank.example', 'bank.example'],
    [
      'a host',
      tcp(80, made.text('GET / HTTP/1.1\r\nHost: Bank.example:80\r\n\r\n')),
      'http',
      'bank.example',
      'Bank.example',
    ],
  ])('marks the name in %s', (_, frame, what, ...said) => {
    expect(told(frame)[what]).toEqual(said);
  });

  it('marks a name alone, and not the longer one that it ends', () => {
    const lines = 'GET / HTTP/1.1\r\nHost: bank.example\r\nReferer: http://www.bank.example/\r\n\r\n';
    expect(told(tcp(80, made.text(lines)))).toMatchObject({
      http: ['bank.example', 'bank.example'],
      referer: ['www.bank.example', 'www.bank.example'],
    });
  });

  it('tells the addresses of ARP and IPv6', () => {
    const frame = made.ethernet(0x86dd, made.ipv6(17, made.udp(4000, 53, made.dnsQuery('leak.example'))));
    const { source = [], destination = [] } = told(frame);
    expect([source[1]?.length, destination[1]?.length]).toEqual([16, 16]);
    const arp = told(made.ethernet(0x0806, made.arp(1)));
    expect(arp['source']).toEqual(['192.168.1.50', '\xc0\xa8\x01\x32']);
    expect(arp['destination']).toEqual(['192.168.1.1', '\xc0\xa8\x01\x01']);
  });

  it('looks into a tunnel that hides nothing, and only so deep', () => {
    const query = made.ipv4(17, made.udp(4000, 53, made.dnsQuery('leak.example')));
    const gre = (inner: Bytes): Bytes => made.ipv4(47, [0, 0, 8, 0, ...inner]);
    const frame = made.ethernet(0x0800, gre(query));
    expect(told(frame)['dns']).toEqual(['leak.example', '\x04leak\x07example\x00']);
    expect(read(frame).dns?.entries[0]?.name).toBe('leak.example');
    let deep = query;
    for (let count = 0; count < 20; count += 1) deep = gre(deep);
    expect(told(made.ethernet(0x0800, deep))['dns']).toBeUndefined();
    expect(read(made.ethernet(0x0800, deep)).dns).toBeNull();
  });

  it('tells what a sender says of itself and what a network offers', () => {
    const options = [50, 4, 192, 0, 2, 9, 60, 4, ...made.text('Acme')];
    expect(told(udp(68, 67, [...made.dhcp4(1).slice(0, -41), ...options, 255]))).toMatchObject({
      dhcp: ['laptop', 'laptop'],
      vendor: ['Acme', 'Acme'],
      'previous-address': ['192.0.2.9', '\xc0\x00\x02\x09'],
    });
    const offer = [54, 4, 192, 0, 2, 1, 3, 4, 192, 0, 2, 2, 6, 4, 192, 0, 2, 3];
    expect(told(udp(67, 68, [...made.dhcp4(2, undefined, 2).slice(0, -41), ...offer, 255]))).toMatchObject({
      server: ['192.0.2.1', '\xc0\x00\x02\x01'],
      router: ['192.0.2.2', '\xc0\x00\x02\x02'],
      resolver: ['192.0.2.3', '\xc0\x00\x02\x03'],
    });
  });

  it('says how much is missing when a frame names very much, and cuts what is long', () => {
    const names = Array.from({ length: 90 }, (_, at) => [...made.dnsName(`n${at}`), 0, 1, 0, 1]).flat();
    const { readings, more, dns } = read(udp(4000, 53, [0, 1, 1, 0, 0, 90, 0, 0, 0, 0, 0, 0, ...names]));
    expect(readings).toHaveLength(MAX_READINGS);
    expect([more > 0, readings.length + more > 90, dns?.more]).toEqual([true, true, 90 - 64]);
    const id = made.fill(200, 0xab);
    const discover = [...made.dhcp4(1).slice(0, -41), 61, id.length, ...id, 255];
    const [value = '', marked] = told(udp(68, 67, discover))['client-id'] ?? [];
    expect([value.length, value.at(-1), marked?.length]).toEqual([MAX_VALUE_LENGTH + 1, '…', id.length]);
  });

  it('says of an empty or cut frame only what is there', () => {
    const short = { kind: ['malformed'], malformed: ['ethernet-short'] };
    expect([told(new Uint8Array(0)), told(new Uint8Array(9))]).toEqual([short, short]);
  });
});

describe('the DNS message in a frame', () => {
  const query = made.dnsQuery('leak.example');

  it('is the one of a datagram, or the first one of a segment', () => {
    const entries = [{ section: 'question', name: 'leak.example', type: 'A', rest: 'IN' }];
    expect(read(udp(4000, 53, query)).dns).toMatchObject({ state: 'whole', entries, behind: 0 });
    const twice = [0, query.length, ...query, 0, query.length, ...query];
    expect(read(tcp(53, twice)).dns).toMatchObject({ state: 'whole', entries, behind: query.length + 2 });
  });

  it('is cut where the frame or the segment is, and malformed where neither is', () => {
    const frame = udp(4000, 53, query);
    expect(readFrame(frame.subarray(0, -6), frame.length).dns?.state).toBe('cut');
    expect(read(tcp(53, [0, query.length, ...query.slice(0, -1)])).dns?.state).toBe('cut');
    expect(read(udp(4000, 53, query.slice(0, -6))).dns?.state).toBe('malformed');
    expect(read(tcp(53, [0, 4, 1, 2, 3, 4])).dns?.state).toBe('malformed');
  });

  it('is none where there is no payload, and elsewhere', () => {
    const elsewhere = udp(4000, 123, made.fill(48));
    for (const frame of [tcp(53, []), tcp(53, [0, 20]), udp(4000, 53, []), elsewhere])
      expect(read(frame).dns).toBeNull();
  });
});
