#!/usr/bin/node
// Knows: how a card becomes one certain box: its keys, its two ports, its first policy. Must not know: what a policy means.
// The code of the first visit is made by `leakguard setup`; the note tells it (page-note.mjs).
// Until it is through there is no bridge, so nothing crosses; what is wrong is said on the boot partition and tried again
// at the next start.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readOptions } from './options.mjs';
import { assign, findPorts } from './ports.mjs';
import { BOOT, must, tellOwner, writable } from './run.mjs';

const STATE = '/state';
const DONE = join(STATE, 'box', 'set-up');
const HOST_KEY = join(STATE, 'box', 'ssh_host_ed25519_key');
const POLICY = '/etc/leakguard/policy.yaml';
const LAMPS = { pins: '{driver: gpio, red: 17, green: 27, button: 22}', none: '{driver: none}' };
/** An adapter may need so long to come up. */
const PORTS_WITHIN_S = 120;

/** @param {'lan' | 'wan'} builtIn */
function portsOf(builtIn) {
  for (let left = PORTS_WITHIN_S; ; left -= 2) {
    const found = findPorts();
    const ports = assign(found, builtIn);
    if (ports !== undefined) return ports;
    if (left <= 0)
      throw new Error(
        `There must be one port on the board and one USB adapter. Seen: ${JSON.stringify(found)}. ` +
          'Plug the adapter in (one, no more) and start the box again.',
      );
    must('sleep', ['2']);
  }
}

function setUp() {
  const file = join(BOOT, 'leakguard.txt');
  const { options, faults } = readOptions(existsSync(file) ? readFileSync(file, 'utf8') : '');
  if (faults.length > 0) throw new Error(['leakguard.txt is not understood:', ...faults].join('\n'));
  const { lan, wan } = portsOf(options.builtIn);
  if (!existsSync(HOST_KEY))
    must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'leakguard', '-f', HOST_KEY]);
  const words = ['setup', '--lan', lan, '--wan', wan, '--management', options.address];
  // The server runs only while a key lies on the card: without one the door leads nowhere.
  if (options.address !== 'none') words.push('--ssh');
  writable('/', () => must('leakguard', [...words, '--lamp', LAMPS[options.lamp], '--yes', '--cut-ssh']));
  if (!/^privacy:/m.test(readFileSync(POLICY, 'utf8')))
    appendFileSync(POLICY, `privacy: ${options.privacy}\n`, { flush: true });
  writeFileSync(DONE, `${lan} is lan, ${wan} is wan\n`, { flush: true });
  must('sync', []);
}

try {
  setUp();
  tellOwner('Leakguard\n\nThe box is starting. Its address stands here once the network has given it one.\n');
  must('systemctl', ['--no-block', 'reboot']);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  tellOwner(`Leakguard\n\nThe box could not be set up, and lets nothing through:\n\n${why}\n`);
  throw error;
}
