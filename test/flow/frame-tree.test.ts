// Knows: what a person is told of a kept frame, byte by byte. Must not know: how the page shows it.

import { describe, expect, it } from 'vitest';

import { LAYERS_MOST, VALUE_MOST } from '../../src/flow/frame-layer.ts';
import type { FrameLayer } from '../../src/flow/frame-layer.ts';
import { frameTree } from '../../src/flow/frame-tree.ts';
import * as made from '../policy/frames.ts';

/** `Label: value` of every layer, parts indented. */
function words(layers: readonly FrameLayer[], indent = ''): string[] {
  return layers.flatMap(({ label, value, parts }) => [
    `${indent}${label}: ${value}`,
    ...words(parts, `${indent}  `),
  ]);
}

const told = (bytes: Uint8Array): string => words(frameTree(bytes)).join('\n');

describe('a frame told as a tree', () => {
  it('tells a DNS question down to the bytes of its name', () => {
    const frame = made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, made.dnsQuery('leak.example'))));
    const layers = frameTree(frame);
    expect(layers.map(({ label }) => label)).toEqual(['Ethernet', 'IPv4', 'UDP', 'DNS']);
    expect(layers.map(({ start, end }) => [start, end])).toEqual([
      [0, 14],
      [14, 34],
      [34, 42],
      [42, frame.length],
    ]);
    const question = layers[3]?.parts.find(({ label }) => label === 'Question');
    expect(question?.value).toBe('leak.example A');
    const name = question?.parts[0];
    expect(String.fromCharCode(...frame.subarray(name?.start, name?.end))).toBe('\x04leak\x07example\x00');
  });

  it.each([
    [
      'an answer',
      made.udp(5353, 5353, made.dnsAnswer('a.example', '192.0.2.1')),
      17,
      'Record: a.example A 192.0.2.1',
    ],
    ['DHCP', made.udp(68, 67, made.dhcp4(1)), 17, 'DHCP: message type 1'],
    ['WireGuard', made.udp(4000, 51820, made.wireguard(1)), 17, 'WireGuard: message type 1'],
    ['HTTP', made.tcp(4000, 80, made.text('GET /a HTTP/1.1\r\nHost: b\r\n\r\n')), 6, 'Field: Host: b'],
  ])('tells %s', (_, payload, protocol, line) => {
    expect(told(made.ethernet(0x0800, made.ipv4(protocol, payload)))).toContain(line);
  });

  it('looks into a tunnel that hides nothing, and only so deep', () => {
    const query = made.ipv4(17, made.udp(4000, 53, made.dnsQuery('leak.example')));
    const gre = (inner: readonly number[]) => made.ipv4(47, [0, 0, 8, 0, ...inner]);
    expect(told(made.ethernet(0x0800, gre(query)))).toContain('Question: leak.example A');
    let deep: readonly number[] = query;
    for (let count = 0; count < 20; count += 1) deep = gre(deep);
    const layers = frameTree(made.ethernet(0x0800, deep));
    expect(layers.at(-1)?.label).toBe('Data');
    expect(layers.length).toBeLessThan(20);
  });

  it('says that parts are missing when a frame claims very many, and cuts what is long', () => {
    const many = made.ethernet(
      0x0800,
      made.ipv4(6, made.tcp(4000, 80, made.text(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(500)}`))),
    );
    expect(words(frameTree(many)).length).toBeLessThanOrEqual(LAYERS_MOST + 1);
    const names = new Uint8Array(12 + 5 * 400);
    names.set([0, 1, 1, 0, 1, 144]);
    const full = frameTree(made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, [...names]))));
    expect(words(full)).toHaveLength(LAYERS_MOST + 1);
    expect(full.at(-1)?.value).toMatch(/^\d+ parts not listed$/);
    const long = made.text(`GET /${'x'.repeat(1000)} HTTP/1.1\r\n\r\n`);
    for (const line of told(made.ethernet(0x0800, made.ipv4(6, made.tcp(4000, 80, long)))).split('\n'))
      expect(line.length).toBeLessThan(VALUE_MOST + 40);
  });

  it('says of an empty or cut frame only what is there', () => {
    expect(frameTree(new Uint8Array(0))).toEqual([]);
    expect(told(new Uint8Array(9))).toBe('Ethernet, cut off: 9 bytes');
  });
});
