// Which interfaces are worth listening on, from a copy of /sys/class/net.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { objections, obviousPort, readPorts } from '../../../appliance/os/interfaces.ts';
import { candidates, showCandidates } from '../../../appliance/cli/listen/watch-interface.ts';
import { faultWords } from '../../../appliance/cli/listen/listen.ts';
import { PassThrough, Readable } from 'node:stream';

let sys: string;

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'leakguard-sys-'));
  mkdirSync(join(sys, 'class'));
});

afterEach(() => rmSync(sys, { recursive: true }));

interface Port {
  readonly device?: 'virtual' | 'pci0';
  readonly type?: number;
  readonly flags?: string;
  readonly carrier?: string;
  readonly folders?: readonly string[];
}

function add(
  name: string,
  { device = 'pci0', type = 1, flags = '0x1003', carrier = '1', folders = [] }: Port = {},
): void {
  const folder = join(sys, 'devices', device, 'net', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'type'), `${type}\n`);
  writeFileSync(join(folder, 'flags'), `${flags}\n`);
  if (carrier !== '') writeFileSync(join(folder, 'carrier'), `${carrier}\n`);
  for (const inside of folders) mkdirSync(join(folder, inside));
  symlinkSync(folder, join(sys, 'class', name));
}

function addAll(): void {
  add('lo', { device: 'virtual', type: 772, flags: '0x9' });
  add('br0', { device: 'virtual', folders: ['bridge'] });
  add('veth7', { device: 'virtual' });
  add('wlan0', { folders: ['wireless'] });
  add('tun0', { device: 'virtual', type: 65534 });
  add('enp2s0', { carrier: '0' });
  add('enp10s0');
  add('eth1', { flags: '0x1002', carrier: '' });
  writeFileSync(join(sys, 'class', 'bonding_masters'), '');
}

const ports = () => readPorts(join(sys, 'class'));

describe('the ports of a machine', () => {
  it('come with a named Ethernet port with carrier first and loopback last', () => {
    addAll();
    expect(ports().map(({ name, kind, up, carrier }) => [name, kind, up, carrier])).toEqual([
      ['enp10s0', 'ethernet', true, true],
      ['enp2s0', 'ethernet', true, false],
      ['eth1', 'ethernet', false, undefined],
      ['wlan0', 'wireless', true, true],
      ['veth7', 'virtual', true, true],
      ['br0', 'bridge', true, true],
      ['tun0', 'not-ethernet', true, true],
      ['lo', 'loopback', true, true],
    ]);
  });

  it('are objected to for what they are', () => {
    addAll();
    const said = Object.fromEntries(ports().map((port) => [port.name, objections(port).join('; ')]));
    expect(said['enp10s0']).toBe('');
    expect(said['enp2s0']).toMatch(/no carrier/);
    expect(said['eth1']).toBe('down: ip link set eth1 up');
    expect(said['veth7']).toMatch(/virtual/);
    expect(said['br0']).toMatch(/listen on its ports/);
    expect(said['tun0']).toBe('not Ethernet');
    expect(said['lo']).toMatch(/loopback/);
  });

  it('have an obvious one only when it is the only one', () => {
    addAll();
    expect(obviousPort(ports())?.name).toBe('enp10s0');
    add('eth9');
    expect(obviousPort(ports())).toBeUndefined();
    expect(readPorts(join(sys, 'nothing'))).toEqual([]);
  });
});

describe('watch --iface-diag', () => {
  const fault = (name: string) => Promise.resolve(name === 'eth1' ? 'it is down' : undefined);

  async function shown(
    options: { json: boolean; verbose: boolean },
    open = fault,
  ): Promise<[number, string]> {
    const stdout = new PassThrough();
    const io = {
      stdin: Readable.from([]),
      stdout,
      stderr: stdout,
      terminal: false,
      signal: new AbortController().signal,
    };
    const code = showCandidates(await candidates(ports(), open), options, io);
    return [code, String(stdout.read() ?? '')];
  }

  it('lists what can be listened on, why not the others, and what to say', async () => {
    addAll();
    const tried: string[] = [];
    const [code, text] = await shown({ json: false, verbose: true }, (name) => {
      tried.push(name);
      return fault(name);
    });
    expect(code).toBe(0);
    expect(tried).not.toContain('lo');
    expect(text).toMatch(/^yes {2}enp10s0/);
    expect(text).toMatch(
      /no {3}eth1 +ethernet +down +down: ip link set eth1 up; cannot be opened: it is down/,
    );
    expect(text).toMatch(/\nleakguard watch --iface enp10s0\n$/);
  });

  it('is an object with --json', async () => {
    addAll();
    const [, text] = await shown({ json: true, verbose: false });
    const { interfaces, obvious } = JSON.parse(text) as {
      interfaces: { name: string; opens: boolean }[];
      obvious: string;
    };
    expect(obvious).toBe('enp10s0');
    expect(interfaces.filter(({ opens }) => !opens).map(({ name }) => name)).toEqual(['eth1', 'lo']);
  });

  it('ends with 3 when nothing can be listened on', async () => {
    addAll();
    const [code, text] = await shown({ json: false, verbose: true }, () => Promise.resolve('no permission'));
    expect(code).toBe(3);
    expect(text).toContain('No interface can be listened on.');
    expect((await shown({ json: true, verbose: false }, () => Promise.resolve('no')))[0]).toBe(3);
  });
});

it('says in words what libpcap says', () => {
  expect(faultWords("eth0: You don't have permission to capture on that device")).toContain('CAP_NET_RAW');
  expect(faultWords('x9: No such device exists')).toBe('no such device');
  expect(faultWords('eth1: That device is not up')).toBe('the interface is down');
  expect(faultWords('something else')).toBe('something else');
});
