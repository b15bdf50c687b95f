// Checks that a daemon which has turned hostile can install nothing, come back to nothing and change no file of root's, and that updates
// still work in its place. A booted Debian with the package installed (booted-tree.ts); the attacks run in the daemon's own unit, with all
// that it may do.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { must } from '../../appliance/lab/processes/process.ts';
import { makeUpdate } from '../../appliance/update/bundle.ts';
import { BootedTree, DAEMON, packageOf } from './booted-tree.ts';

const STATE = '/var/lib/leakguard';
const ORDERS = `${STATE}/orders`;
const ARMS = `${STATE}/arms`;
const INBOX = `${STATE}/update`;
/** Nothing of the attackers' is at work in the inbox any more. */
const CALM = `${STATE}/calm`;
const INCOMING = `${INBOX}/incoming.update`;
const RECORDS = ['var/lib/leakguard-update/status.json', 'var/lib/leakguard-update/kept/record.json'];
const INSTALLED = "dpkg-query --show --showformat='${Version} ${Status}' leakguard";
const API = 'curl --silent --max-time 10 --unix-socket /run/leakguard/api.sock http://box/v1';
const SEES = `${API}/status | grep -Eq '"state": ?"(clear|leaking|blocked|idle|setup)"'`;

/** What has taken the daemon's place: does what is asked of it, and swears that version 2.0 runs and all is well. */
const hostile = (status: string): string => `
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
mkdirSync('${ORDERS}', { recursive: true });
rmSync('/run/leakguard/api.sock', { force: true });
const lie = { running: '2.0', stage: 'updated', version: '2.0', why: '', wayBack: true, received: 0 };
createServer((asked, answer) => answer.end(asked.url === '/v1/update' ? JSON.stringify(lie) : ${JSON.stringify(status)}))
  .listen('/run/leakguard/api.sock', () => spawnSync('systemd-notify', ['--ready']));
setInterval(() => spawnSync('systemd-notify', ['WATCHDOG=1']), 3000);
setInterval(() => {
  for (const name of readdirSync('${ORDERS}').filter((each) => each.endsWith('.sh'))) {
    const order = '${ORDERS}/' + name;
    const text = readFileSync(order, 'utf8');
    rmSync(order);
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', text], { encoding: 'utf8', timeout: 60000 });
    writeFileSync(order + '.part', JSON.stringify({ status, said: stdout + stderr }));
    renameSync(order + '.part', order.replace('.sh', '.done'));
  }
}, 50);
`;

const POLICY = `version: 1
profile: full-tunnel
tunnels: []
bridge: {name: br0, lan: lan0, wan: wan0}
management: {address: none}
lamp: {driver: none}
`;

const publisher = generateKeyPairSync('ed25519');
const thief = generateKeyPairSync('ed25519');
const pem = (key: typeof publisher.publicKey): string => String(key.export({ type: 'spki', format: 'pem' }));

let folder: string;
let tree: BootedTree;
let architecture: string;
let before: Readonly<Record<string, string>>;
let installed: string;

const bundle = (
  deb: string,
  version: string,
  key = publisher.privateKey,
  downgradeFrom: readonly string[] = [],
) => makeUpdate({ version, architecture, downgradeFrom }, readFileSync(deb), key);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-hostile-'));
  architecture = (await must(['dpkg', '--print-architecture'])).stdout.trim();
  const [one, older, two, broken, evil] = await Promise.all([
    packageOf(folder, '1.0'),
    packageOf(folder, '0.9'),
    packageOf(folder, '2.0'),
    packageOf(folder, '2.1', 'process.exit(1);\n'),
    packageOf(folder, '9.9', 'process.exit(1);\n'),
  ]);
  tree = await BootedTree.boot();
  tree.put('/opt/one.deb', readFileSync(one));
  await tree.must('dpkg --install /opt/one.deb');
  tree.put('/etc/leakguard/policy.yaml', POLICY);
  tree.put('/etc/leakguard-update/publisher.pem', pem(publisher.publicKey));
  tree.put('/opt/one.update', bundle(one, '1.0'));
  tree.put('/opt/two.update', bundle(two, '2.0'));
  tree.put('/opt/broken.update', bundle(broken, '2.1'));
  await tree.must(
    'systemctl start leakguardd leakguard-update.path || { journalctl -b --no-pager -u "leakguard*" | tail -40; exit 1; }',
  );
  await tree.until(SEES);
  await tree.must('leakguard update --keep /opt/one.update');
  const status = await tree.must(`${API}/status`);
  // Turned hostile: from here on the unit runs this.
  tree.put(`/${DAEMON}`, hostile(status));
  await tree.must(`systemctl restart leakguardd && mkdir -p ${ARMS}`);
  const arms = {
    'evil.deb': readFileSync(evil),
    'evil.pem': pem(thief.publicKey),
    'evil.update': bundle(evil, '9.9', thief.privateKey),
    'older.update': bundle(older, '0.9'),
    'elsewhere.update': bundle(older, '0.9', publisher.privateKey, ['1.1', '2.0']),
    'record.json': JSON.stringify({ stage: 'installing', version: '2.0', why: '', wayBack: '1.0' }),
    'setup.json': JSON.stringify({
      version: 1,
      kept: [{ path: 'etc/cron.d/owned', before: { kind: 'file', content: 'owned' } }],
    }),
    'undo.json': JSON.stringify([
      { kind: 'run', command: 'touch', args: ['/etc/owned'] },
      { kind: 'file', path: '/etc/owned', value: 'owned' },
      { kind: 'run', command: 'ip', args: ['netns', 'exec', 'x', 'touch', '/etc/owned'] },
    ]),
  };
  for (const [name, content] of Object.entries(arms)) tree.put(`${ARMS}/${name}`, content);
  before = await tree.rootsFiles();
  installed = await tree.must(INSTALLED);
});

afterAll(async () => {
  await tree.stop();
  rmSync(folder, { recursive: true, force: true });
});

let orders = 0;
/** What the daemon's own unit said when it ran this. */
async function order(script: string): Promise<{ readonly status: number | null; readonly said: string }> {
  orders += 1;
  const name = `${ORDERS}/${String(orders)}`;
  tree.put(`${name}.part`, script);
  await tree.must(`mv ${name}.part ${name}.sh`);
  await tree.until(`test -e ${name}.done`);
  return JSON.parse(tree.read(`${name}.done`)) as { status: number | null; said: string };
}

/** What a restart of the machine would do, and whoever waits for what is in the inbox. */
async function installerRuns(): Promise<void> {
  await tree.must('systemctl reset-failed leakguard-update.service leakguard-update.path; true');
  await tree.sh('systemctl restart leakguard-update.path');
  await tree.sh('systemctl start leakguard-update.service');
  await tree.until('! systemctl is-active --quiet leakguard-update.service');
}

async function nothingHasChanged(): Promise<void> {
  const after = await tree.rootsFiles();
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) => before[path] !== after[path] && !RECORDS.includes(path),
  );
  expect(changed).toEqual([]);
  expect(await tree.must(INSTALLED)).toBe(installed);
  expect(tree.read('/var/lib/leakguard-update/status.json')).toMatch(/"stage":"(?:kept|refused)"/);
}

it('the attacker is what the unit makes of a daemon: number 0, three rights, files of its own', async () => {
  const { said } = await order(`id -u; grep CapEff /proc/self/status; touch ${STATE}/mine && echo mine`);
  expect(said).toMatch(/^0\nCapEff:\s+0*3100\nmine\n$/);
});

const evilSent = `rm -rf ${INBOX}; mkdir ${INBOX}; cp ${ARMS}/evil.update ${INCOMING}`;
const emptied = `rm -rf ${INBOX}; mkdir ${INBOX}`;

describe('a hostile daemon changes nothing of root’s', () => {
  it.each([
    [
      'a package of its own, for dpkg',
      `dpkg --install ${ARMS}/evil.deb; dpkg --unpack --force-all ${ARMS}/evil.deb`,
    ],
    ['the installed programs', `cp ${ARMS}/evil.pem /usr/lib/leakguard/dist/appliance/update/main.js`],
    ['a key among the keys', `cp ${ARMS}/evil.pem /etc/leakguard-update/evil.pem; ${evilSent}`],
    [
      'a key among the keys, by their folder',
      `mv /etc/leakguard-update /etc/leakguard/; ln -s ${ARMS} /etc/leakguard-update; ${evilSent}`,
    ],
    [
      'a key beside the policy',
      `mkdir -p /etc/leakguard/update-keys; cp ${ARMS}/evil.pem /etc/leakguard/update-keys/; ${evilSent}`,
    ],
    ['an update signed by itself', evilSent],
    [
      'the slot and the record of root',
      `cp ${ARMS}/evil.update /var/lib/leakguard-update/kept/working.update; cp ${ARMS}/record.json /var/lib/leakguard-update/kept/record.json; cp ${ARMS}/record.json /var/lib/leakguard-update/status.json`,
    ],
    [
      'the slots and the record in its own folder, as they were once',
      `${emptied}; cp ${ARMS}/record.json ${INBOX}/record.json; for slot in working candidate; do cp ${ARMS}/evil.deb ${INBOX}/$slot.deb; cp ${ARMS}/evil.update ${INBOX}/$slot.update; done`,
    ],
    ['an old version of the publisher’s', `${emptied}; cp ${ARMS}/older.update ${INCOMING}`],
    ['an old version that may replace another one', `${emptied}; cp ${ARMS}/elsewhere.update ${INCOMING}`],
    ['a link to what it may not read', `${emptied}; ln -s /etc/shadow ${INCOMING}`],
    [
      'a link in place of the inbox',
      `rm -rf ${INBOX}; cp ${ARMS}/evil.update ${ARMS}/incoming.update; ln -s ${ARMS} ${INBOX}`,
    ],
    ['a FIFO', `${emptied}; mkfifo ${INCOMING}`],
    ['a folder', `${emptied}; mkdir ${INCOMING}`],
    ['a folder that cannot be removed', `${emptied}; mkdir -p ${INCOMING}/full`],
    ['a file of a terabyte', `${emptied}; truncate -s 1T ${INCOMING}`],
    [
      'files that change while they are read',
      `${emptied}; (end=$((SECONDS + 8)); while [ $SECONDS -lt $end ]; do cp ${ARMS}/evil.update ${INBOX}/a; cp ${ARMS}/older.update ${INBOX}/b; mv ${INBOX}/a ${INCOMING}; cat ${ARMS}/evil.deb >${INCOMING}; mv ${INBOX}/b ${INCOMING}; ln -sfn ${ARMS} ${INCOMING}; rm -f ${INCOMING}; done; touch ${CALM}) >/dev/null 2>&1 &`,
    ],
    [
      'systemd',
      `systemd-run touch /etc/owned; systemctl start debug-shell.service; systemctl set-property leakguardd.service ProtectSystem=no; busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Reload; ls /run/systemd/private /run/dbus/system_bus_socket /run/udev/control && touch ${STATE}/sockets`,
    ],
    [
      'the mounts that hold it',
      'mount -o remount,rw /; mount --bind /var/lib/leakguard /etc; unshare --mount true && unshare --user --map-root-user mount -o remount,rw /; nsenter --all --target 1 touch /etc/owned; touch /proc/1/root/etc/owned; for pid in /proc/[0-9]*; do touch $pid/root/etc/owned; done',
    ],
    [
      'other places of root',
      'for place in /etc /usr/bin /usr/lib/systemd/system /root /var/lib /boot /opt; do touch $place/owned; done',
    ],
    [
      'what undoing the set-up believes',
      `cp ${ARMS}/setup.json /etc/leakguard/setup.json; cp ${ARMS}/setup.json /etc/leakguard-setup.json`,
    ],
  ])('%s', async (_, script) => {
    await order(script);
    await installerRuns();
    await tree.must('leakguard setup --undo --yes');
    await nothingHasChanged();
    expect((await tree.sh(`test -e ${STATE}/sockets`)).code).toBe(1);
  });

  it('what letting go of the machine believes', async () => {
    await order(`cp ${ARMS}/undo.json /run/leakguard/undo.json`);
    // What `leakguardd --release` does when the package goes; that program itself is the attacker's here.
    const release =
      "(await import('/usr/lib/leakguard/dist/appliance/daemon/release.js')).release('/run/leakguard')";
    await tree.must(`node --input-type=module --eval "await ${release}"`);
    expect((await tree.sh('test -e /run/leakguard/undo.json')).code).toBe(1);
    await nothingHasChanged();
  });
});

describe('updates work all the same', () => {
  it('one that does not come up is taken back, whatever the daemon before it swore, and the daemon is the signed one again', async () => {
    await tree.until(`test -e ${CALM}`);
    await order(`rm -rf ${INBOX}; mkdir ${INBOX}`);
    await tree.must(`cp /opt/broken.update ${INBOX}/x && mv ${INBOX}/x ${INCOMING}`);
    await installerRuns();
    await tree.until('grep -q rolled-back /var/lib/leakguard-update/status.json');
    expect(await tree.must(INSTALLED)).toBe(installed);
    expect(tree.read(`/${DAEMON}`)).not.toContain(ORDERS);
    await tree.until(SEES);
  });

  it('one that sees is kept', async () => {
    // The daemon that came back may be starting still; what the command says then is to try again.
    await tree.until(`leakguard update /opt/two.update`);
    await tree.until('grep -q \'"stage":"updated","version":"2.0"\' /var/lib/leakguard-update/status.json');
    expect(await tree.must(INSTALLED)).toMatch(/^2\.0 /);
    expect(await tree.must(`${API}/update`)).toMatch(/"wayBack": ?true/);
  });
});
