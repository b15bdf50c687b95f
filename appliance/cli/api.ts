// Knows: the words of `leakguard api`. Must not know: any endpoint.

import { openApi } from '../../src/api/openapi.ts';
import { readArguments } from './arguments.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';

const HELP = `leakguard api: what can be asked of the daemon over its socket

  leakguard api --openapi   every endpoint with its questions, answers and errors: an OpenAPI 3.1 document

It is JSON with and without --json, and needs no daemon. For example:
curl --unix-socket /run/leakguard/api.sock http://localhost/v1/status

Exit: 0 done, 2 usage.
`;

const OPTIONS = {
  openapi: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** `version`: of the program that answers so. */
export const apiCommand = (version: string): Command => ({
  name: 'api',
  summary: '--openapi: what programs can ask of the daemon',
  help: HELP,
  run(args, io) {
    const { values } = readArguments('api', args, OPTIONS);
    if (!values.openapi)
      throw new CommandError(2, 'usage', 'In which form?', 'Say "leakguard api --openapi".');
    io.stdout.write(`${JSON.stringify(openApi(version), undefined, 2)}\n`);
    return Promise.resolve(0);
  },
});
