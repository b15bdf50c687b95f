#!/usr/bin/env node
// leakguard-web: reads the command line, serves the page, and stops on SIGTERM or SIGINT.

import { parseArgs } from 'node:util';

import { createPage } from './app.ts';
import type { Page } from './app.ts';
import { listen } from './http/server.ts';
import type { Place } from './http/server.ts';

const HELP = `leakguard-web: the page of the box, a client of leakguardd

  leakguard-web [--api SOCKET] [--host ADDRESS] [--port N] [--fd N] [--host-name NAME]... [--state-dir DIR]
                [--ask-code]

  --api SOCKET       the daemon's socket (default /run/leakguard/api.sock)
  --host ADDRESS     the address to listen on (default 127.0.0.1); on a box, its own address, reachable from lan only
  --port N           the port to listen on, 0 for a free one (default 8080)
  --fd N             a socket that is already open and listening, instead of --host and --port
  --host-name NAME   a name or address by which the page may be opened, besides localhost and its own address; repeatable
  --state-dir DIR    where password and sessions are kept (default /var/lib/leakguard-web); if the password is forgotten,
                     delete password.json there and restart this program
  --ask-code         the first visit must enter the code that \`leakguard setup\` printed; \`leakguard setup --new-code\`
                     prints a new one
  --help             this text

Exit: 0 stopped on request, 2 usage, 3 cannot listen or keep its state.
`;

interface Options {
  readonly socketPath: string;
  readonly place: Place;
  readonly hostNames: readonly string[];
  readonly stateDir: string;
  readonly codeRequired: boolean;
}

/** The options; or, for `--help` and usage errors, the text to print and the exit code. */
function readOptions(args: readonly string[]): Options | { readonly exit: 0 | 2; readonly message: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        api: { type: 'string', default: '/run/leakguard/api.sock' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8080' },
        fd: { type: 'string' },
        'host-name': { type: 'string', multiple: true, default: [] },
        'state-dir': { type: 'string', default: '/var/lib/leakguard-web' },
        'ask-code': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { exit: 0, message: HELP };
    const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
    if (!(port <= 65535))
      return { exit: 2, message: `leakguard-web: --port ${values.port} is not 0 to 65535\n` };
    if (values.fd !== undefined && !/^\d{1,4}$/.test(values.fd))
      return { exit: 2, message: `leakguard-web: --fd ${values.fd} is not a file descriptor\n` };
    const place = values.fd === undefined ? { host: values.host, port } : { fd: Number(values.fd) };
    return {
      socketPath: values.api,
      place,
      hostNames: values['host-name'],
      stateDir: values['state-dir'],
      codeRequired: values['ask-code'],
    };
  } catch (error) {
    return {
      exit: 2,
      message: `leakguard-web: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`,
    };
  }
}

/** The page; undefined, after printing why, if the state directory cannot be used. */
function openPage({ socketPath, hostNames, stateDir, codeRequired }: Options): Page | undefined {
  const log = (message: string, error: unknown): void =>
    void process.stderr.write(`leakguard-web: ${message}: ${String(error)}\n`);
  try {
    return createPage({ socketPath, hostNames, access: { stateDir, codeRequired }, log });
  } catch (error) {
    log(`cannot use ${stateDir}`, error);
    return undefined;
  }
}

function placeWords(place: Place): string {
  return 'fd' in place ? `file descriptor ${place.fd}` : `${place.host} port ${place.port}`;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if ('exit' in options) {
    (options.exit === 0 ? process.stdout : process.stderr).write(options.message);
    return options.exit;
  }
  const page = openPage(options);
  if (page === undefined) return 3;
  const handler = page.app.callback();
  try {
    const listening = await listen((request, response) => void handler(request, response), options.place);
    process.stderr.write(`leakguard-web: ${listening.url} shows ${options.socketPath}\n`);
    await new Promise<void>((resolve) => {
      process.once('SIGTERM', resolve).once('SIGINT', resolve);
    });
    page.close();
    await listening.close();
    return 0;
  } catch (error) {
    page.close();
    process.stderr.write(`leakguard-web: cannot listen on ${placeWords(options.place)}: ${String(error)}\n`);
    return 3;
  }
}

process.exitCode = await main();
