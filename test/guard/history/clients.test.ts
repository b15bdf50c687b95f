// What is known of a client after what it said, under each privacy.

import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/flow/parsed-packet.ts';
import { ClientBook, redactedClient, shownClients } from '../../../src/guard/history/clients.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { Redaction } from '../../../src/guard/history/privacy.ts';
import { parseAddress } from '../../../src/wire/ip/address.ts';
import { CLIENT, observation } from '../samples.ts';

const hash = (text: string): string => Buffer.from(text.padEnd(12)).toString('hex').slice(-12);
const redactionOf = (privacy: Redaction['privacy']): Redaction => new Redaction(privacy, hash);
const book = (privacy: Redaction['privacy'] = 'full'): ClientBook =>
  new ClientBook((mac) => (mac.startsWith('00:16:3e') ? 'Xensource' : undefined), redactionOf(privacy));

function says(identity: Identity | undefined, source = '', client = CLIENT): Observation {
  const said = observation();
  const address = parseAddress(source);
  if (address !== undefined) {
    said.packet.ipVersion = address.ipVersion;
    said.packet.source.set(address.words);
  }
  if (identity !== undefined) said.packet.findings = { ...said.packet.findings, identity };
  return { ...said, client };
}

describe('a client', () => {
  it('is told once, and again when something new is learned', () => {
    const clients = book();
    const id = '02:00:00:00:00:0c';
    expect(clients.take(says(undefined, '192.168.77.100'), 1_000)).toBe(id);
    expect(clients.take(says(undefined, '192.168.77.100'), 2_000)).toBeUndefined();
    expect(clients.take(says({ hostName: 'annas-laptop', previousAddress: '10.1.2.3' }), 3_000)).toBe(id);
    expect(clients.take(says({ hostName: 'annas-laptop' }, '0.0.0.0'), 4_000)).toBeUndefined();
    expect(clients.take(says(undefined, '2001:db8::1'), 500)).toBe(id);
    expect(clients.list()).toEqual([
      {
        ...{ id, vendor: null, randomised: true, hostName: 'annas-laptop', vendorClass: null, account: null },
        ...{ fingerprint: null, previousAddresses: ['10.1.2.3'] },
        ...{ addresses: ['2001:db8::1', '192.168.77.100'] },
        ...{ first: new Date(1_000).toISOString(), last: new Date(1_000).toISOString() },
      },
    ]);
  });

  it.each(['full', 'redacted'] as const)(
    'has asked for no earlier address when it uses the one that it asked for (%s)',
    (privacy) => {
      const clients = book(privacy);
      clients.take(says({ previousAddress: '192.168.77.100' }, '0.0.0.0'), 0);
      clients.take(says({ previousAddress: '10.1.2.3' }, '0.0.0.0'), 1);
      clients.take(says(undefined, '192.168.77.100'), 2);
      const [client] = clients.list();
      expect(client?.previousAddresses).toHaveLength(1);
      // Also as another setting shows it, and in a record that an earlier version made.
      const both = { previousAddresses: ['192.168.77.100', '10.1.2.3'], addresses: ['192.168.77.100'] };
      for (const shown of ['full', 'redacted'] as const) {
        const [one] = shownClients(client === undefined ? [] : [{ ...client, ...both }], redactionOf(shown));
        expect(one?.addresses).not.toContain(one?.previousAddresses[0]);
        expect(one?.previousAddresses).toHaveLength(1);
      }
    },
  );

  it('has the address that it asked for and was given, though it says nothing outside its tunnel', () => {
    const clients = book();
    const id = '02:00:00:00:00:0c';
    clients.take(says({ previousAddress: '192.168.77.100' }, '0.0.0.0'), 0);
    const given = (address: string, client: number): Observation =>
      observation({ direction: 'down', kind: 'dhcp', offer: { server: '192.168.77.1', address, client } });
    // What it did not ask for is what the network says, and what another was given is another's.
    clients.take(given('192.168.77.5', CLIENT), 1);
    clients.take(given('192.168.77.100', CLIENT + 1), 2);
    expect(clients.list()).toMatchObject([{ addresses: [], previousAddresses: ['192.168.77.100'] }]);
    expect(clients.take(given('192.168.77.100', CLIENT), 3)).toBe(id);
    expect(clients.list()).toMatchObject([{ addresses: ['192.168.77.100'], previousAddresses: [] }]);
  });

  it('is told again while it goes on sending, so that its record is not older than a minute', () => {
    const clients = book();
    const told: number[] = [];
    for (let at = 0; at <= 150_000; at += 10_000)
      if (clients.take(says(undefined, '192.168.77.100'), at) !== undefined) told.push(at);
    expect(told).toEqual([0, 60_000, 120_000]);
  });

  it('was last seen when the newest of its records says', () => {
    const clients = book();
    clients.take(says(undefined, '192.168.77.100'), 1_000);
    const stored = clients.list();
    clients.take(says(undefined, '192.168.77.100'), 9_000);
    for (const records of [
      [...clients.list(), ...stored],
      [...stored, ...clients.list()],
    ])
      expect(shownClients(records, redactionOf('full'))).toMatchObject([
        { last: new Date(9_000).toISOString() },
      ]);
  });

  it('has a vendor when it did not make its address up', () => {
    const clients = book();
    clients.take(says(undefined, '', 0x00_16_3e_00_00_01), 0);
    expect(clients.list()).toMatchObject([{ vendor: 'Xensource', randomised: false }]);
  });

  it.each<[string, Partial<Observation>]>([
    ['what comes from wan', { direction: 'down' }],
    ['a group', { client: 0x01_00_5e_00_00_01 }],
    ['what was folded', { folded: true }],
    ['nobody', { client: 0 }],
  ])('is not %s', (_what, change) => {
    expect(book().take({ ...says(undefined), ...change }, 0)).toBeUndefined();
  });

  it('is forgotten when there are too many, the oldest first, and counted', () => {
    const clients = book();
    for (let n = 0; n < 300; n += 1) clients.take(says(undefined, '', CLIENT + 256 * n), n);
    expect([clients.list().length, clients.forgotten]).toEqual([256, 44]);
  });
});

describe('privacy', () => {
  const identity = {
    ...{ hostName: 'annas-laptop', vendorClass: 'MSFT 5.0', previousAddress: '10.1.2.3' },
    account: 'anna@home.example',
  };

  it('redacted keeps nothing of who it is', () => {
    const clients = book('redacted');
    clients.take(says(identity, '192.168.77.100', 0x00_16_3e_00_00_01), 0);
    const text = JSON.stringify(clients.list());
    expect(text).not.toMatch(/anna|MSFT|Xensource|00:16|77\.100|10\.1\.2\.3/);
    expect(clients.list()).toMatchObject([{ addresses: ['192.168.77.0/24'], vendor: null }]);
  });

  it('minimal keeps no client', () => {
    expect(book('minimal').take(says(identity), 0)).toBeUndefined();
  });

  it('the past looks as if it had been written so, once', () => {
    const clients = book();
    clients.take(says(identity, '192.168.77.100'), 0);
    const [clear] = clients.list();
    const hidden = clear && redactedClient(clear, redactionOf('redacted'));
    expect(JSON.stringify(hidden)).not.toMatch(/anna|MSFT|77\.100|10\.1\.2\.3|0c"/);
    expect(hidden && redactedClient(hidden, redactionOf('redacted'))).toEqual(hidden);
    expect(clear && redactedClient(clear, redactionOf('minimal'))).toBeUndefined();
  });
});
