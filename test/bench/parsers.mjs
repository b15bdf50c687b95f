// Every parser of text that comes from outside, under one shape. Run as a process of its own (test/property/parsers.test.ts): a parser that
// does not come back is ended with it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readStoredMode } from '../../dist/appliance/daemon/state/box-record.js';
import { readCounterFile } from '../../dist/appliance/daemon/state/counter-file.js';
import { readSession } from '../../dist/appliance/daemon/state/session-file.js';
import { doJob } from '../../dist/appliance/jobs/parsing.js';
import { readLedRecord } from '../../dist/appliance/led/record.js';
import { readBody, readQuery } from '../../dist/src/api/endpoint.js';
import { ENDPOINTS } from '../../dist/src/api/endpoints.js';
import { GuardEventReader } from '../../dist/src/api/events.js';
import { readJson } from '../../dist/src/api/json.js';
import { readRefusal } from '../../dist/src/api/refusal.js';
import {
  parseEndpoint,
  parseNamePattern,
  parsePrefix,
  parseResolver,
} from '../../dist/src/policy/schema/endpoint.js';
import { importConfig } from '../../dist/src/policy/import/import.js';
import { importOpenvpn } from '../../dist/src/policy/import/import-openvpn.js';
import { importWireguard } from '../../dist/src/policy/import/import-wireguard.js';
import { parseMac } from '../../dist/src/wire/ip/address.js';
import { parserFor } from '../../dist/src/wire/capture/capture-format.js';
import { readAnswers } from '../../dist/src/wire/names/dns-answers.js';
import { readQuestions } from '../../dist/src/wire/names/dns.js';
import { httpRequest } from '../../dist/src/wire/application/http1.js';
import { hostText, nameText } from '../../dist/src/wire/names/name-text.js';
import { parseRelayList } from '../../dist/src/wire/vpn/tor.js';
import { dossierQuery, chosenFrom } from '../../dist/web/pages/dossier/dossier-routes.js';
import { linesOf } from '../../dist/web/fields.js';
import { hostNameOf } from '../../dist/web/http/hardening.js';
import { boundaryOf, fileStart, readMultipart } from '../../dist/web/pages/tunnels/multipart.js';
import { settingsIn, valuesFrom } from '../../dist/web/pages/settings/settings-fields.js';

const VALID =
  'version: 1\ntunnels: [{name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}]\n';
const EMPTY = { fields: {}, allow: [] };
const folder = mkdtempSync(join(tmpdir(), 'leakguard-parsers-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** @param {string} name @param {(folder: string) => unknown} read @returns {(text: string) => unknown} */
const fromFile = (name, read) => (text) => {
  writeFileSync(join(folder, name), text);
  return read(folder);
};

/** @param {(bytes: Buffer, start: number, end: number) => unknown} read @returns {(text: string) => unknown} */
const fromBytes = (read) => (text) => {
  const bytes = Buffer.from(text, 'latin1');
  return read(bytes, 0, bytes.length);
};

const ignored = () => undefined;
const { query: REPORT_QUERY } = ENDPOINTS.report;

/** @type {Readonly<Record<string, (text: string) => unknown>>} */
const PARSERS = {
  policy: (text) => doJob('policy', text),
  'policy, behind its first line': (text) => doJob('policy', `version: 1\n${text}`),
  'policy, in a value': (text) => doJob('policy', `version: 1\nmustTunnel: [${text}]\n`),
  'policy, in a text': (text) =>
    doJob('policy', `version: 1\nmanagement: {hostname: ${JSON.stringify(text)}}\n`),
  'setting that is a text': (text) => doJob('change', { text: VALID, settings: { profile: text } }),
  'setting that is a list': (text) =>
    doJob('change', { text: VALID, settings: { mustTunnel: [text, text] } }),
  'exception as a setting': (text) =>
    doJob('change', { text: VALID, settings: { allow: [{ to: text, why: text }] } }),
  'tunnel by its name': (text) =>
    doJob('addTunnel', { text: VALID, tunnel: { name: text, protocol: 'wireguard', endpoints: [] } }),
  'tunnel to remove': (text) => doJob('removeTunnel', { text: VALID, name: text }),
  import: (text) => doJob('import', text),
  WireGuard: importWireguard,
  'WireGuard, in a peer': (text) => importWireguard(`[Peer]\nEndpoint = ${text}`),
  'WireGuard, behind a keyword': (text) => importWireguard(`[Peer]\na = ${text}x\u2028y`),
  'any configuration': importConfig,
  'networkd, in a peer': (text) =>
    importConfig(`[NetDev]\nKind=wireguard\n[WireGuardPeer]\nEndpoint=${text}`),
  'NetworkManager, in a remote': (text) =>
    importConfig(`[connection]\ntype=vpn\n[vpn]\nservice-type=x.openvpn\nremote=${text}`),
  'strongSwan, in a connection': (text) => importConfig(`connections {\na {\nremote_addrs = ${text}`),
  "Apple's, in a payload": (text) => importConfig(`<plist><dict>com.apple.vpn.managed ${text}`),
  OpenVPN: importOpenvpn,
  'OpenVPN, in a remote': (text) => importOpenvpn(`client\nremote ${text}`),
  'OpenVPN, in a block': (text) => importOpenvpn(`client\n<ca>\n${text}`),
  endpoint: parseEndpoint,
  'endpoint, in its host': (text) => parseEndpoint(`udp:${text}:1`),
  resolver: parseResolver,
  'resolver, in its name': (text) => parseResolver(`doh:192.0.2.1:1/${text}`),
  prefix: parsePrefix,
  'name pattern': parseNamePattern,
  'MAC address': parseMac,
  'relay list': parseRelayList,
  'JSON answer': (text) => readRefusal(readJson(text)),
  'JSON in JSON': (text) => readRefusal(readJson(JSON.stringify({ error: { message: text } }))),
  'event stream': (text) => new GuardEventReader(1_000_000, ignored).push(text),
  'event stream, in pieces': (text) => {
    const reader = new GuardEventReader(1_000_000, ignored);
    for (let at = 0; at < text.length; at += 1_000) if (!reader.push(text.slice(at, at + 1_000))) return;
  },
  'state of the box': fromFile('state.json', readStoredMode),
  'session of the daemon': fromFile('session.json', readSession),
  'counters of before': fromFile('counters.json', readCounterFile),
  'LED of before': fromFile('lamp.json', readLedRecord),
  'filter of the past': (text) => readQuery(REPORT_QUERY, new URLSearchParams(`text=${text}&client=${text}`)),
  'query of the past': (text) => readQuery(REPORT_QUERY, new URLSearchParams(text)),
  time: (text) => readQuery(REPORT_QUERY, new URLSearchParams({ since: text })),
  'body of a question': (text) => readBody(ENDPOINTS.openPass.body, { seconds: text, client: text }),
  'chosen period': (text) => dossierQuery(chosenFrom(new URLSearchParams({ since: text, period: text })), 0),
  'lines of a field': linesOf,
  'settings form': (text) =>
    settingsIn('rules', valuesFrom(new URLSearchParams({ resolvers: text, 'allow.0.to': text }), EMPTY)),
  'host header': hostNameOf,
  'type of a form': boundaryOf,
  'type of a form, in its boundary': (text) => boundaryOf(`multipart/form-data;${text}`),
  multipart: fromBytes((bytes) => readMultipart(bytes, 'x')),
  'multipart, in a head': (text) =>
    readMultipart(Buffer.from(`--x\r\nContent-Disposition: form-data; ${text}\r\n\r\n`), 'x'),
  'multipart, before a disposition': (text) =>
    readMultipart(Buffer.from(`--x\r\ncontent-disposition:${text}\r\n\r\n`), 'x'),
  'start of a file': (text) =>
    fileStart(Buffer.from(`--x\r\nContent-Disposition: form-data; name="a"; ${text}`), 'x'),
  'HTTP request': fromBytes((bytes, start, end) => httpRequest(bytes, start, end, true)),
  'HTTP header': (text) =>
    fromBytes((bytes, start, end) => httpRequest(bytes, start, end, true))(`GET / HTTP/1.1\r\n${text}`),
  'DNS questions': fromBytes((bytes, start, end) => readQuestions(bytes, start, end, () => undefined)),
  'DNS answers': fromBytes((bytes, start, end) => readAnswers(bytes, start, end, () => undefined)),
  'name on the wire': fromBytes(nameText),
  'host on the wire': fromBytes(hostText),
  'capture file': fromBytes((bytes, start, end) =>
    parserFor(bytes, start)?.push(bytes, start, end, { packet: () => undefined }),
  ),
  'pcap, behind its head': fromBytes((bytes) =>
    pushed(Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'), bytes),
  ),
  'pcapng, behind its head': fromBytes((bytes) =>
    pushed(Buffer.from('0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000', 'hex'), bytes),
  ),
};

/** @param {Buffer} head @param {Buffer} bytes */
function pushed(head, bytes) {
  const whole = Buffer.concat([head, bytes]);
  return parserFor(whole, 0)?.push(whole, 0, whole.length, { packet: () => undefined });
}

process.on('message', (/** @type {{ kind: string, given: string }} */ { kind, given }) => {
  if (kind === 'names') process.send?.({ result: Object.keys(PARSERS) });
  else {
    const [name = '', text = ''] = given;
    PARSERS[name]?.(text);
    process.send?.({ result: name in PARSERS });
  }
});
process.send?.('ready');
