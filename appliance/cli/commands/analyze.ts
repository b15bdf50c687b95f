// `leakguard analyze`. The report goes to stdout, progress and errors to stderr. Exit 1 when leaks were found, 3 when none
// were found but part of the capture could not be read: that must not be taken for "no leak".

import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Dissector } from '../../../src/flow/dissector.ts';
import { UplinkSink, WRAPPINGS } from '../../../src/flow/headers/uplink.ts';
import type { Wrapping } from '../../../src/flow/headers/uplink.ts';
import { Analysis } from '../../../src/analysis/analysis.ts';
import { LearningJudge } from '../../../src/analysis/analysis-learn.ts';
import { PRIVACIES, Redaction } from '../../../src/guard/history/privacy.ts';
import type { Privacy } from '../../../src/guard/history/privacy.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { parseMac } from '../../../src/wire/ip/address.ts';
import { isReadLinkType } from '../../../src/wire/link/link-types.ts';
import type { RelayList } from '../../../src/wire/vpn/tor.ts';
import { CaptureFileError, readCapture } from '../../capture-files/capture-file.ts';
import type { CaptureEnd } from '../../capture-files/capture-file.ts';
import { monotonicMs } from '../../os/clock.ts';
import { nodeQuicCrypto } from '../../os/quic-crypto.ts';
import { analysisText } from '../analyze-text.ts';
import type { LostPart } from '../analyze-text.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import { givenPolicy, givenRelays, withLearned } from '../given-policy.ts';
import { jsonPieces } from '../json-pieces.ts';
import { ProgressBar } from '../progress.ts';

const HELP = `leakguard analyze FILE [options]

Judges a capture file: pcap or pcapng, uncompressed or compressed with gzip, xz, zstd, bzip2 or lz4; "-" reads standard input.

  --tunnel udp:A:P   a tunnel endpoint such as udp:198.51.100.7:51820 or tcp:[2001:db8::7]:443; may be repeated
  --policy FILE      judge by this policy
  --learn            learn tunnel endpoints from handshakes that were answered; handshakes from outside are ignored
  --behind W         the capture was taken on an uplink that encapsulates every frame: vlan, pppoe, both separated by a
                     comma, or none. Without this option it is detected, if the file can be read twice
  --relays FILE      Tor's relays: a consensus, or one address or address:port per line
  --client MAC       the laptop's MAC address: judge only what it sends; without it, both directions are judged
  --privacy M        how names are shown: full, redacted or minimal
  --json             print one JSON object instead of text
  --help             this text

Without --tunnel, --policy and --learn there is no tunnel: everything except essential traffic is a leak.
Exit codes: 0 no leak, 1 leaks found, 2 usage error or unreadable capture, 3 no leak found, but a part could not be read.
`;

/** Link types listed in a message. */
const SHOWN_LINK_TYPES = 8;

interface Options {
  readonly file: string;
  readonly json: boolean;
  readonly learn: boolean;
  readonly privacy: Privacy;
  readonly client: number | undefined;
  readonly policy: Policy;
  readonly relays: RelayList;
  /** Undefined: detect it. */
  readonly behind: readonly Wrapping[] | undefined;
}

/** The result of reading the capture once. */
interface Reading {
  readonly analysis: Analysis;
  readonly end: CaptureEnd;
  /** The encapsulations that every frame had. */
  readonly all: readonly Wrapping[];
}

export const analyzeCommand: Command = {
  name: 'analyze',
  summary: 'judge a capture file',
  help: HELP,
  run,
};

async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const options = await optionsOf(args);
  if (options === undefined) {
    io.stdout.write(HELP);
    return 0;
  }
  const started = monotonicMs();
  const twice = await canBeReadTwice(options.file);
  let behind = options.behind ?? [];
  let reading = await readingOf(options, behind, twice, io);
  if (options.behind === undefined && reading.all.length > 0 && twice && !reading.end.aborted) {
    behind = reading.all;
    reading = await readingOf(options, behind, twice, io);
  }
  const { analysis, end } = reading;
  const redaction = await redactionOf(options.privacy);
  const streamed = analysis.streamed(options.file, Math.round(monotonicMs() - started), redaction);
  const lost = lostOf(end);
  const report = { ...streamed, complete: lost.length === 0, lost, behind };
  for (const { message } of lost) io.stderr.write(`leakguard: ${options.file} is incomplete: ${message}.\n`);
  if (reading.all.length > behind.length && options.behind === undefined)
    io.stderr.write(
      `leakguard: every frame is encapsulated (${reading.all.join(', ')}): use --behind ${reading.all.join()} to judge what they carry.\n`,
    );
  const unread = [...end.linkTypes].filter((linkType) => !isReadLinkType(linkType));
  if (unread.length > 0) {
    const some = unread.slice(0, SHOWN_LINK_TYPES).join(', ');
    const more = unread.length > SHOWN_LINK_TYPES ? ` and ${unread.length - SHOWN_LINK_TYPES} more` : '';
    io.stderr.write(
      `leakguard: frames of link type ${some}${more} cannot be decoded: they are judged as unknown.\n`,
    );
  }
  if (!options.json) {
    const lists = {
      names: [...report.names],
      answered: [...report.answered],
      incidents: [...report.incidents],
    };
    io.stdout.write(analysisText({ ...report, ...lists }));
  } else await pipeline(Readable.from(withNewline(jsonPieces(report))), io.stdout, { end: false });
  if (report.verdicts.leak > 0) return 1;
  return report.complete ? 0 : 3;
}

/** The parts of the capture that were not read. */
function lostOf(end: CaptureEnd): LostPart[] {
  const { fault, unreadBytes, passedOver, aborted } = end;
  const lost: LostPart[] = [];
  if (fault !== undefined) {
    const behind =
      fault.code === 'truncated' || unreadBytes === undefined || unreadBytes <= 0
        ? ''
        : `; the remaining ${unreadBytes} bytes were not read`;
    const bytes = unreadBytes === undefined ? {} : { bytes: unreadBytes };
    lost.push({ what: fault.code, message: `${fault.message}${behind}`, ...bytes });
  }
  if (passedOver > 0) {
    const message = `${passedOver} packets refer to no interface or do not fit their block`;
    lost.push({ what: 'packets', message, packets: passedOver });
  }
  if (aborted) lost.push({ what: 'stopped', message: 'reading was stopped before the end' });
  return lost;
}

/** False for standard input and pipes, whose bytes cannot be read again. */
async function canBeReadTwice(file: string): Promise<boolean> {
  if (file === '-') return false;
  return stat(file).then(
    (status) => status.isFile(),
    () => false,
  );
}

/** Reads the capture with a new judge; with --learn twice if possible, because a handshake may come late in the file. */
async function readingOf(
  options: Options,
  behind: readonly Wrapping[],
  twice: boolean,
  io: CommandIo,
): Promise<Reading> {
  const judge = new LearningJudge(
    (endpoints, exposed) => {
      const policy = withLearned(options.policy, endpoints);
      return compileJudge(policy, { ...NOTHING_LEARNED, exposed });
    },
    options.learn,
    options.client,
  );
  if (options.learn && twice) await readOnce(options, judge, behind, io);
  return readOnce(options, judge, behind, io);
}

/** Hashes can be compared within this report only: their key is discarded with it. */
async function redactionOf(privacy: Privacy): Promise<Redaction> {
  if (privacy === 'full') return new Redaction(privacy, (text) => text);
  const [{ passingHash }, { publicSuffix }] = await Promise.all([
    import('../../history/privacy-key.ts'),
    import('../../history/public-suffix.ts'),
  ]);
  return new Redaction(privacy, passingHash(), publicSuffix);
}

function* withNewline(pieces: Iterable<string>): Generator<string> {
  yield* pieces;
  yield '\n';
}

/** Reads the capture once. */
async function readOnce(
  options: Options,
  judge: LearningJudge,
  behind: readonly Wrapping[],
  io: CommandIo,
): Promise<Reading> {
  const { client, policy } = options;
  const dissector = new Dissector({ quic: nodeQuicCrypto, relays: options.relays });
  const analysis = new Analysis({ dissector, judge, policy, ...(client === undefined ? {} : { client }) });
  const uplink = new UplinkSink(analysis, behind);
  const bar = io.terminal ? new ProgressBar(io.stderr) : undefined;
  const onProgress = (share: number | undefined): void => {
    bar?.show(share, analysis.packets);
  };
  try {
    const end = await readCapture(options.file, uplink, { stdin: io.stdin, signal: io.signal, onProgress });
    return { analysis, end, all: uplink.all };
  } catch (error) {
    if (!(error instanceof CaptureFileError)) throw error;
    const remedy =
      'Supported: pcap and pcapng, uncompressed or compressed with gzip, xz, zstd, bzip2 or lz4.';
    throw new CommandError(2, error.code, error.message, remedy, error);
  } finally {
    bar?.clear();
  }
}

async function optionsOf(args: readonly string[]): Promise<Options | undefined> {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const [file, ...more] = positionals;
  if (file === undefined) throw usage('No capture file was given.');
  if (more.length > 0) throw usage(`Unexpected argument "${more.join(' ')}": one file at a time.`);
  const privacy = PRIVACIES.find((known) => known === values.privacy);
  if (values.privacy !== undefined && privacy === undefined) {
    throw usage(`--privacy ${values.privacy} is not full, redacted or minimal.`);
  }
  const client = values.client === undefined ? undefined : parseMac(values.client);
  if (values.client !== undefined && client === undefined) {
    throw usage(`--client ${values.client} is not a MAC address such as 02:00:00:00:00:0c.`);
  }
  const policy = await givenPolicy(values.policy, values.tunnel);
  return {
    file,
    json: values.json,
    learn: values.learn,
    privacy: privacy ?? policy.privacy,
    client,
    policy,
    relays: await givenRelays(values.relays),
    behind: values.behind === undefined ? undefined : behindOf(values.behind),
  };
}

function behindOf(text: string): readonly Wrapping[] {
  if (text === 'none') return [];
  const found = text.split(',').map((word) => WRAPPINGS.find((known) => known === word.trim()));
  const known = found.filter((wrapping) => wrapping !== undefined);
  if (known.length === found.length) return known;
  throw usage(`--behind ${text} is not vlan, pppoe, vlan,pppoe or none.`);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        tunnel: { type: 'string', multiple: true, default: [] },
        policy: { type: 'string' },
        learn: { type: 'boolean', default: false },
        client: { type: 'string' },
        behind: { type: 'string' },
        relays: { type: 'string' },
        privacy: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): CommandError {
  return new CommandError(2, 'usage', message, 'See "leakguard analyze --help".');
}
