#!/usr/bin/node
// Sets up a box at the first start of a new card: its host key, its two ports and its first policy. The code for the first visit is made by
// `leakguard setup` and published in the note (page-note.mjs). Until the setup has succeeded there is no bridge, so nothing crosses; an
// error is written to the boot partition, and the setup is tried again at the next start.

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
/** Seconds to wait for the USB adapter to appear. */
const PORTS_TIMEOUT_S = 120;

/** @param {'lan' | 'wan'} builtIn */
function portsOf(builtIn) {
  for (let left = PORTS_TIMEOUT_S; ; left -= 2) {
    const found = findPorts();
    const ports = assign(found, builtIn);
    if (ports !== undefined) return ports;
    if (left <= 0)
      throw new Error(
        `The box needs exactly one network port on the board and one USB network adapter. Found: ${JSON.stringify(found)}. ` +
          'Plug in exactly one adapter and restart the box.',
      );
    must('sleep', ['2']);
  }
}

function setUp() {
  const file = join(BOOT, 'leakguard.txt');
  const { options, faults } = readOptions(existsSync(file) ? readFileSync(file, 'utf8') : '');
  if (faults.length > 0) throw new Error(['leakguard.txt has errors:', ...faults].join('\n'));
  const { lan, wan } = portsOf(options.builtIn);
  if (!existsSync(HOST_KEY))
    must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'leakguard', '-f', HOST_KEY]);
  const words = ['setup', '--lan', lan, '--wan', wan, '--management', options.address];
  // Opening the port is safe: the ssh server only runs if there is a key on the card.
  if (options.address !== 'none') words.push('--ssh');
  writable('/', () => must('leakguard', [...words, '--lamp', LAMPS[options.lamp], '--yes', '--cut-ssh']));
  if (!/^privacy:/m.test(readFileSync(POLICY, 'utf8')))
    appendFileSync(POLICY, `privacy: ${options.privacy}\n`, { flush: true });
  writeFileSync(DONE, `${lan} is lan, ${wan} is wan\n`, { flush: true });
  must('sync', []);
}

try {
  setUp();
  tellOwner(
    'Leakguard\n\nThe box is starting. Its address will be written here once the network has given it one.\n',
  );
  must('systemctl', ['--no-block', 'reboot']);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  tellOwner(`Leakguard\n\nThe box could not be set up and blocks all traffic:\n\n${why}\n`);
  throw error;
}
