// SSDP's messages. Follows UPnP Device Architecture 2.0 sections 1.2.2, 1.3.2 and 1.3.3.

import { expect, it, test } from 'vitest';
import { ssdpMessage } from '../../../src/wire/names/ssdp.ts';
import { expectBounded } from '../bounded.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const read = (text: string): unknown => ssdpMessage(bytesOf(text), 0, text.length);

const SEARCH =
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nST: urn:dial:1\r\nUser-Agent: Chrome/1 \u001b\r\n\r\n';

it('reads a search', () => {
  expect(read(SEARCH)).toEqual({ type: 'search', target: 'urn:dial:1', userAgent: 'Chrome/1 \\027' });
});

it('reads an announcement and a response', () => {
  const notify =
    'NOTIFY * HTTP/1.1\r\nnt: upnp:rootdevice\r\nUSN: uuid:1\r\nSERVER: OS/1\r\nLOCATION: http://192.0.2.1/\r\n';
  expect(read(notify)).toEqual({
    type: 'notify',
    target: 'upnp:rootdevice',
    uniqueName: 'uuid:1',
    server: 'OS/1',
    location: 'http://192.0.2.1/',
  });
  expect(read('HTTP/1.1 200 OK\nST: ssdp:all\n\n')).toEqual({ type: 'response', target: 'ssdp:all' });
});

test.each(['GET / HTTP/1.1\r\n\r\n', 'M-SEARCH', ''])('%j is none', (text) => {
  expect(read(text)).toBeUndefined();
});

it('is bounded', () => {
  expectBounded(ssdpMessage, [bytesOf(SEARCH)]);
});
