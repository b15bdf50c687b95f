// The names Tor clients sent in published captures, names of real sites, relay lists by dir-spec section 3.4.1.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isListedRelay, isTorServerName, parseRelayList, torSuspicion } from '../../../src/wire/vpn/tor.ts';

describe('isTorServerName', () => {
  it.each([
    'www.jwrvlv.com',
    'www.ct7ctrgb6cr7.com',
    'www.q4cyamnc6mtokjurvdclt.com',
    'www.6gyip7tqim7sieb.com',
  ])('takes %s', (name) => {
    expect(isTorServerName(name)).toBe(true);
  });
  it.each([
    'www.google.com',
    'www.microsoft.com',
    'www.washingtonpost.com',
    'www.msftconnecttest.com',
    'www.office365.com',
    'www.bet365.com',
    'www.protonvpn.com',
    'www.jquery.com',
    'www.xkcd.com',
    'jwrvlv.com',
    'www.ct7ctrgb6cr7.org',
    'www.ct7ctrgb6cr9.com',
    'a.www.ct7ctrgb6cr7.com',
  ])('refuses %s', (name) => {
    expect(isTorServerName(name)).toBe(false);
  });
  it('takes most names that are drawn by lot', () => {
    const letters = fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz234567'));
    const labels = fc.sample(fc.array(letters, { minLength: 8, maxLength: 25 }), { numRuns: 2000, seed: 7 });
    const taken = labels.filter((label) => isTorServerName(`www.${label.join('')}.com`));
    expect(taken.length).toBeGreaterThan(1600);
  });
});

describe('torSuspicion', () => {
  const evidence = { serverName: 'www.ct7ctrgb6cr7.com', offersAlpn: false, serverPort: 443, listed: false };
  it('grows with the evidence', () => {
    const shape = torSuspicion(evidence)?.confidence ?? 0;
    const port = torSuspicion({ ...evidence, serverPort: 9001 })?.confidence ?? 0;
    const listed = torSuspicion({ ...evidence, listed: true })?.confidence ?? 0;
    expect([shape > 0.5, port > shape, listed > port]).toEqual([true, true, true]);
  });
  it('does not suspect a browser, nor a port alone', () => {
    expect(torSuspicion({ ...evidence, offersAlpn: true })).toBeUndefined();
    expect(torSuspicion({ ...evidence, serverName: 'www.google.com', serverPort: 9001 })).toBeUndefined();
    const nameless = torSuspicion({ ...evidence, serverName: undefined, serverPort: 9001 });
    expect(nameless?.confidence).toBeLessThan(0.5);
    expect(torSuspicion({ ...evidence, serverName: undefined })).toBeUndefined();
  });
});

describe('parseRelayList', () => {
  const list = parseRelayList(
    [
      '# relays',
      '192.0.2.1:9001',
      '198.51.100.7   # any port',
      '[2001:DB8::7]:443',
      '[2001:0db8:0:0::8]:443',
      '2001:db8:0:0:0:0:0:9',
      '::ffff:1:2:3:4:5:6:7:8:9',
      'network-status-version 3',
      'r seele AAoQ1DAR6kkoo19hBAX5K0QztNw x/m7i 2038-01-01 00:00:00 203.0.113.5 9001 0',
      'r moritz AAoQ1DAR6kkoo19hBAX5K0QztNw 2038-01-01 00:00:00 203.0.113.6 443 0',
      's Running Valid',
      'nonsense',
    ].join('\n'),
  );
  it('knows relays by address and port', () => {
    expect(isListedRelay(list, '192.0.2.1', 9001)).toBe(true);
    expect(isListedRelay(list, '192.0.2.1', 443)).toBe(false);
    expect(isListedRelay(list, '198.51.100.7', 443)).toBe(true);
    expect(isListedRelay(list, '2001:db8::7', 443)).toBe(true);
    expect(isListedRelay(list, '2001:db8::8', 443)).toBe(true);
    expect(isListedRelay(list, '2001:db8::8', 444)).toBe(false);
    expect(isListedRelay(list, '2001:db8::9', 1)).toBe(true);
    expect(isListedRelay(list, '203.0.113.5', 9001)).toBe(true);
    expect(isListedRelay(list, '203.0.113.6', 443)).toBe(true);
    expect(list.size).toBe(8);
  });
});
