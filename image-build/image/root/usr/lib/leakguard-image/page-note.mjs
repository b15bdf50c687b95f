#!/usr/bin/node
// Writes the note for the owner to the boot partition: where the page is, and the code for the first visit. Once a password has been chosen
// the note no longer contains the code.

import { existsSync, readFileSync } from 'node:fs';

import { noteText } from './note-text.mjs';
import { must, tellOwner } from './run.mjs';

const CODE = '/var/lib/leakguard-web/first-code';

const output = /** @type {unknown} */ (
  JSON.parse(must('ip', ['-json', '-4', 'address', 'show', 'scope', 'global']))
);
const links = /** @type {readonly { ifname: string, addr_info: readonly { local?: string }[] }[]} */ (output);
const addresses = links.flatMap(({ addr_info: all }) => all.flatMap(({ local }) => local ?? []));
tellOwner(noteText(addresses, existsSync(CODE) ? readFileSync(CODE, 'latin1').trim() : undefined));
