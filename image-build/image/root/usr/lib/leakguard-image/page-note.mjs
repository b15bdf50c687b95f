#!/usr/bin/node
// Knows: where the page is and what the first visit asks for, and writes both where the owner can read it: on the boot partition.
// Must not know: the page. Once a password is chosen the code is gone from there too.

import { existsSync, readFileSync } from 'node:fs';

import { noteText } from './note-text.mjs';
import { must, tellOwner } from './run.mjs';

const CODE = '/var/lib/leakguard-web/first-code';

const said = /** @type {unknown} */ (
  JSON.parse(must('ip', ['-json', '-4', 'address', 'show', 'scope', 'global']))
);
const links = /** @type {readonly { ifname: string, addr_info: readonly { local?: string }[] }[]} */ (said);
const addresses = links.flatMap(({ addr_info: all }) => all.flatMap(({ local }) => local ?? []));
tellOwner(noteText(addresses, existsSync(CODE) ? readFileSync(CODE, 'latin1').trim() : undefined));
