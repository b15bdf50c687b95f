// `leakguard api`: prints the OpenAPI document of the local API.

import { openApi } from '../../src/api/openapi.ts';
import { readArguments } from './arguments.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';

const HELP = `leakguard api: describe the API that the daemon serves on its socket

  leakguard api --openapi   print every endpoint with its requests, responses and errors as an OpenAPI 3.1 document

The output is JSON with or without --json, and no daemon is needed. An example request:
curl --unix-socket /run/leakguard/api.sock http://localhost/v1/status

Exit codes: 0 success, 2 usage error.
`;

const OPTIONS = {
  openapi: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** `leakguard api`. `version` is written into the OpenAPI 3.1 document. */
export const apiCommand = (version: string): Command => ({
  name: 'api',
  summary: "--openapi: describe the daemon's API for programs",
  help: HELP,
  run(args, io) {
    const { values } = readArguments('api', args, OPTIONS);
    if (!values.openapi)
      throw new CommandError(2, 'usage', 'No output format was given.', 'Use "leakguard api --openapi".');
    io.stdout.write(`${JSON.stringify(openApi(version), undefined, 2)}\n`);
    return Promise.resolve(0);
  },
});
