// What `leakguard setup` writes on a machine, shows before and takes back after. The machine is a folder with a /sys and a /etc; what is
// written there is compared with golden/ whole.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { setupCommand } from '../../../appliance/cli/commands/setup.ts';
import { differences } from '../../../appliance/setup/difference.ts';
import { SetupError } from '../../../appliance/setup/error.ts';
import { portMatch, portPair } from '../../../appliance/setup/port.ts';
import { listensForSsh, sshSession } from '../../../appliance/setup/session.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import { runCommand } from '../cli/command-run.ts';

const GOLDEN = join(import.meta.dirname, 'golden');
let root = '';

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const setup = (...args: string[]) => runCommand([setupCommand], ['setup', '--root', root, ...args]);
const PORTS = ['--lan', 'eth0', '--wan', 'usb0'] as const;

/** Files and links below a folder, as `path` or `path -> target`. */
function listing(folder: string, from = folder): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listing(path, from);
      const name = path.slice(from.length + 1);
      return entry.isSymbolicLink() ? [`${name} -> ${readlinkSync(path)}`] : [name];
    })
    .sort();
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leakguard-setup-'));
  put('sys/class/net/eth0/address', '02:00:00:00:00:0c\n');
  put('sys/class/net/eth0/addr_assign_type', '0\n');
  put('sys/class/net/usb0/address', '02:00:00:00:00:0d\n');
  // Chosen by chance at every start: no way to know it again.
  put('sys/class/net/usb0/addr_assign_type', '1\n');
  put('sys/class/net/usb0/ifindex', '3\n');
  put('run/udev/data/n3', 'E:ID_NET_DRIVER=r8152\nE:ID_PATH=platform-fd500000.pcie-usb-0:1.2:1.0\n');
  put('etc/hostname', 'box\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('writes what makes a box, and nothing else', async () => {
  const { code, out } = await setup(...PORTS, '--yes');
  expect(code).toBe(0);
  expect(out).toContain('Restart the machine');
  const files = listing(join(root, 'etc'));
  const text = files
    .map((name) => (name.includes(' -> ') ? `${name}\n` : `${name}\n${textOf(`etc/${name}`)}`))
    .join('\n');
  await expect(text).toMatchFileSnapshot(join(GOLDEN, 'box.txt'));
});

it('writes a policy that is valid, and leaves one that is there alone', async () => {
  await setup(
    ...PORTS,
    '--yes',
    '--management',
    '192.0.2.9/24',
    '--lamp',
    '{driver: gpio, red: 17, green: 27}',
    '--ssh',
  );
  const parsed = parsePolicy(textOf('etc/leakguard/policy.yaml'));
  expect(parsed).toMatchObject({
    ok: true,
    policy: {
      tunnels: [],
      management: { address: { static: '192.0.2.9/24' }, ssh: true },
      lamp: { red: 17 },
    },
  });
  expect(textOf('etc/systemd/network/10-leakguard-bridge.network')).toContain('\nAddress=192.0.2.9/24\n');
  put('etc/leakguard/policy.yaml', 'version: 1\nlamp: {driver: leds, red: r, green: g}\n');
  await setup(...PORTS, '--yes');
  expect(textOf('etc/modules-load.d/10-leakguard.conf')).toContain('\nledtrig-timer\n');
  put('etc/leakguard/policy.yaml', 'version: 1\nbridge: {name: br-x}\nweb: {port: 8080}\n');
  await setup(...PORTS, '--yes');
  expect(textOf('etc/leakguard/policy.yaml')).toContain('br-x');
  const socket = textOf('etc/systemd/system/leakguard-web.socket.d/10-leakguard.conf');
  expect(socket).toContain('ListenStream=\nListenStream=0.0.0.0:8080\nBindToDevice=br-x\n');
  const wants = listing(join(root, 'etc/systemd/system')).filter((name) => name.includes('device.wants'));
  expect(wants).toEqual([
    'sys-subsystem-net-devices-br\\x2dx.device.wants/leakguard-web.socket -> /usr/lib/systemd/system/leakguard-web.socket',
  ]);
});

it('changes nothing unless told to', async () => {
  const before = listing(root);
  const { code, out } = await setup(...PORTS);
  expect(code).toBe(0);
  expect(listing(root)).toEqual(before);
  expect(out).toContain('new /etc/systemd/network/10-leakguard-lan.link\n');
  expect(out).toContain('  + PermanentMACAddress=02:00:00:00:00:0c\n');
  expect(out).toContain('  + Path=platform-fd500000.pcie-usb-0:1.2:*\n');
  expect(out).toMatch(/Nothing was changed\. Add --yes/);
});

it('puts back what was there before, whatever came in between', async () => {
  put('etc/sysctl.d/60-leakguard.conf', 'theirs\n');
  const before = listing(join(root, 'etc'));
  await setup(...PORTS, '--yes');
  await setup('--lan', 'usb0', '--wan', 'eth0', '--yes');
  const shown = await setup('--undo');
  expect(shown.out).toContain('changed /etc/sysctl.d/60-leakguard.conf\n');
  expect(shown.out).toContain('  + theirs\n');
  expect((await setup('--undo', '--yes')).code).toBe(0);
  expect(listing(join(root, 'etc'))).toEqual([...before, 'leakguard/policy.yaml'].sort());
  expect(textOf('etc/sysctl.d/60-leakguard.conf')).toBe('theirs\n');
  expect(existsSync(join(root, 'etc/NetworkManager'))).toBe(false);
  expect((await setup('--undo', '--yes')).out).toContain('Nothing to change');
});

it('says nothing changes when all is there', async () => {
  await setup(...PORTS, '--yes');
  expect((await setup(...PORTS)).out).toBe('Nothing to change: the machine is already in this state.\n');
});

it('drops what an earlier set-up needed and this one does not', async () => {
  put('etc/leakguard/policy.yaml', 'version: 1\nweb: {port: 8080}\n');
  await setup(...PORTS, '--yes');
  put('etc/leakguard/policy.yaml', 'version: 1\n');
  await setup(...PORTS, '--yes');
  expect(existsSync(join(root, 'etc/systemd/system/leakguard-web.socket.d'))).toBe(false);
});

it.each([
  [['--lan', 'eth0'], 'Two different ports are needed'],
  [['--lan', 'eth0', '--wan', 'eth0'], 'Two different ports are needed'],
  [['--lan', 'eth0', '--wan', 'eth7'], 'there is no interface eth7 here'],
  [['--lan', 'mac:1', '--wan', 'eth0'], '1 is not a MAC address'],
  [['--lan', 'path:a b', '--wan', 'eth0'], 'is not a device path'],
  [['--lan', '../x', '--wan', 'eth0'], 'is not an interface name'],
  [[...PORTS, '--management', 'maybe'], 'is not valid'],
  [[...PORTS, '--management', 'none', '--ssh'], 'is not valid'],
])('refuses %j and writes nothing', async (args, said) => {
  const before = listing(root);
  const { code, err } = await setup(...args, '--yes');
  expect(code).toBe(2);
  expect(err).toContain(said);
  expect(listing(root)).toEqual(before);
});

it('refuses a policy with faults, and a record that cannot be read', async () => {
  put('etc/leakguard/policy.yaml', 'version: 2\n');
  expect(await setup(...PORTS, '--yes')).toMatchObject({ code: 2 });
  put('etc/leakguard/policy.yaml', 'version: 1\n');
  put('etc/leakguard-setup.json', '{"version":1,"kept":[{"path":"etc/../x","before":null}]}');
  expect(await setup('--undo', '--yes')).toMatchObject({ code: 3 });
});

describe('the code of the first visit', () => {
  const CODE = 'var/lib/leakguard-web/first-code';
  const codeIn = (text: string): string =>
    /code: ([A-HJKMNP-Z2-9]{5}-[A-HJKMNP-Z2-9]{5})\n/.exec(text)?.[1] ?? '';

  it('is printed once, and lies where only the page reads it', async () => {
    expect((await setup(...PORTS)).out).not.toContain('code');
    expect(existsSync(join(root, CODE))).toBe(false);
    const code = codeIn((await setup(...PORTS, '--yes')).out);
    expect(code).not.toBe('');
    expect(textOf(CODE)).toBe(`${code}\n`);
    expect(statSync(join(root, CODE)).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, dirname(CODE))).mode & 0o777).toBe(0o700);
    const again = (await setup(...PORTS, '--yes')).out;
    expect(again).toContain('leakguard setup --new-code');
    expect(again).not.toContain(code);
    expect(textOf(CODE)).toBe(`${code}\n`);
  });

  it('is made anew for who has lost it, differs each time, and is gone with the box', async () => {
    const codes = new Set([codeIn((await setup(...PORTS, '--yes')).out)]);
    for (let more = 0; more < 3; more += 1) codes.add(codeIn((await setup('--new-code')).out));
    expect(codes.size).toBe(4);
    expect(textOf(CODE)).toBe(`${[...codes].at(-1) ?? ''}\n`);
    await setup('--undo', '--yes');
    expect(existsSync(join(root, CODE))).toBe(false);
  });

  it('is not made for a box that has a password', async () => {
    put('var/lib/leakguard-web/password.json', '{}');
    expect((await setup(...PORTS, '--yes')).out).not.toContain('code');
    expect(await setup('--new-code')).toMatchObject({ code: 2 });
    expect(existsSync(join(root, CODE))).toBe(false);
  });

  it('is written through no link that the page has laid there, and belongs to the page', async () => {
    put('etc/passwd', 'root:x:0:0::/:/bin/sh\nleakguard-web:x:54321:54322::/:/bin/false\n');
    put('etc/precious', 'precious\n');
    mkdirSync(join(root, dirname(CODE)), { recursive: true });
    symlinkSync(join(root, 'etc/precious'), join(root, CODE));
    await setup('--new-code');
    expect(textOf('etc/precious')).toBe('precious\n');
    expect(lstatSync(join(root, CODE)).isFile()).toBe(true);
    if (process.getuid?.() === 0)
      expect(statSync(join(root, CODE))).toMatchObject({ uid: 54321, gid: 54322 });
  });
});

it('takes ports of another machine by address and path', () => {
  expect(portMatch('mac:02:00:00:00:00:0C')).toEqual({ match: 'PermanentMACAddress=02:00:00:00:00:0c' });
  expect(portMatch('path:*-usb-*')).toEqual({ match: 'Path=*-usb-*' });
});

it('tells two adapters with one address apart by their sockets, and takes no port twice', () => {
  for (const [name, index, socket] of [
    ['usb1', '4', '1.3'],
    ['usb2', '5', '1.4'],
  ] as const) {
    put(`sys/class/net/${name}/address`, '02:00:00:00:00:0e\n');
    put(`sys/class/net/${name}/addr_assign_type`, '0\n');
    put(`sys/class/net/${name}/ifindex`, `${index}\n`);
    put(`run/udev/data/n${index}`, `E:ID_PATH=platform-xhci-usb-0:${socket}:2.0\n`);
  }
  expect(portPair('usb1', 'usb2', root)).toEqual([
    { match: 'Path=platform-xhci-usb-0:1.3:*', name: 'usb1' },
    { match: 'Path=platform-xhci-usb-0:1.4:*', name: 'usb2' },
  ]);
  expect(() => portPair('usb1', 'usb1', root)).toThrow(SetupError);
  expect(() => portPair('mac:02:00:00:00:00:0e', 'usb1', root)).toThrow(SetupError);
});

it('finds the port that an ssh session comes through, also below sudo', () => {
  put('proc/self/environ', 'A=1\0');
  put('proc/self/status', 'Name:\tnode\nPPid:\t40\n');
  put('proc/40/environ', 'SSH_CONNECTION=198.51.100.2 50000 192.0.2.9 22\0B=2\0');
  const addresses = new Map([['192.0.2.9', 'eth0']]);
  expect(sshSession(join(root, 'proc'), addresses)).toEqual({ interface: 'eth0', port: 22 });
  put('proc/40/environ', 'SSH_CONNECTION=198.51.100.2 50000 ::ffff:192.0.2.9 2222\0B=2\0');
  expect(sshSession(join(root, 'proc'), addresses)).toEqual({ interface: 'eth0', port: 2222 });
  put('proc/40/environ', '');
  put('proc/40/status', 'PPid:\t0\n');
  expect(sshSession(join(root, 'proc'), addresses)).toBeUndefined();
});

it('finds an ssh server that listens, and takes no connection for one', () => {
  const table = (state: string, remote: string): string =>
    `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1\n`;
  expect(listensForSsh(join(root, 'proc'))).toBe(false);
  put('proc/self/net/tcp', table('01', '0200000A:C350'));
  expect(listensForSsh(join(root, 'proc'))).toBe(false);
  put('proc/self/net/tcp', table('0A', '00000000:0000'));
  expect(listensForSsh(join(root, 'proc'))).toBe(true);
});

it('shows what goes and what comes in the order of the file', () => {
  expect(differences(['a', 'b', 'c'], ['a', 'x', 'c', 'd']).map((line) => line.join(''))).toEqual([
    ...[' a', '-b', '+x', ' c', '+d'],
  ]);
});
