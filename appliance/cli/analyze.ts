// Knows: the words and options of `leakguard analyze`. Must not know: how frames are read or judged.
// The report goes to stdout, progress and faults to stderr; exit 1 when leaks were found.

import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Dissector } from '../../src/flow/dissector.ts';
import { Analysis } from '../../src/guard/analysis.ts';
import { LearningJudge } from '../../src/guard/analysis-learn.ts';
import { PRIVACIES, Veil } from '../../src/guard/privacy.ts';
import type { Privacy } from '../../src/guard/privacy.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parseMac } from '../../src/wire/address.ts';
import { isReadLinkType } from '../../src/wire/link-types.ts';
import { parseRelayList } from '../../src/wire/tor.ts';
import type { RelayList } from '../../src/wire/tor.ts';
import { CaptureFileError, readCapture } from '../capture-file.ts';
import type { CaptureEnd } from '../capture-file.ts';
import { monotonicMs } from '../clock.ts';
import { nodeQuicCrypto } from '../quic-crypto.ts';
import { analysisText } from './analyze-text.ts';
import { CommandError } from './command.ts';
import type { Command, CommandIo, ExitCode } from './command.ts';
import { givenPolicy, withLearned } from './given-policy.ts';
import { jsonPieces } from './json-pieces.ts';
import { ProgressBar } from './progress.ts';

const HELP = `leakguard analyze FILE [options]

Judges a capture: pcap or pcapng, plain or gzip; "-" reads standard input.

  --tunnel udp:A:P   a tunnel endpoint, as udp:198.51.100.7:51820 or tcp:[2001:db8::7]:443; may be repeated
  --policy FILE      judge by this policy
  --learn            find tunnel endpoints by their handshakes
  --relays FILE      Tor's relays, as its consensus lists them or one address or address:port a line
  --client MAC       the laptop: only what it sends is judged as leaving; otherwise both directions alike
  --privacy M        how names are shown: full, redacted or minimal
  --json             one object instead of text
  --help             this text

Without --tunnel, --policy and --learn there is no tunnel: whatever is not plumbing is a leak.
Exit: 0 no leak, 1 leaks found, 2 usage or unreadable capture.
`;

interface Options {
  readonly file: string;
  readonly json: boolean;
  readonly learn: boolean;
  readonly privacy: Privacy;
  readonly client: number | undefined;
  readonly policy: Policy;
  readonly relays: RelayList;
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
  const judge = new LearningJudge((endpoints, exposed) => {
    const policy = withLearned(options.policy, endpoints);
    return compileJudge(policy, { ...NOTHING_LEARNED, exposed });
  }, options.learn);
  if (options.learn && options.file !== '-') await pass(options, judge, io);
  const { analysis, end } = await pass(options, judge, io);
  const veil = await veilOf(options.privacy);
  const report = analysis.streamed(options.file, Math.round(monotonicMs() - started), veil);
  if (end.fault !== undefined) {
    io.stderr.write(
      `leakguard: ${options.file} is ${end.fault.code}: ${end.fault.message}; ${report.packets} packets before that were read.\n`,
    );
  }
  const unread = [...end.linkTypes].filter((linkType) => !isReadLinkType(linkType));
  if (unread.length > 0)
    io.stderr.write(
      `leakguard: frames of link type ${unread.join(', ')} cannot be read: they are judged as unknown.\n`,
    );
  if (end.aborted) io.stderr.write('leakguard: stopped; the report covers what was read so far.\n');
  if (!options.json)
    io.stdout.write(analysisText({ ...report, names: [...report.names], incidents: [...report.incidents] }));
  else await pipeline(Readable.from(withNewline(jsonPieces(report))), io.stdout, { end: false });
  return report.verdicts.leak > 0 ? 1 : 0;
}

/** Hashes of one report can be compared with each other, and with no other's: the key is forgotten with it. */
async function veilOf(privacy: Privacy): Promise<Veil> {
  if (privacy === 'full') return new Veil(privacy, (text) => text);
  const [{ passingHash }, { publicSuffix }] = await Promise.all([
    import('../store/privacy-key.ts'),
    import('../store/public-suffix.ts'),
  ]);
  return new Veil(privacy, passingHash(), publicSuffix);
}

function* withNewline(pieces: Iterable<string>): Generator<string> {
  yield* pieces;
  yield '\n';
}

/** Reads the capture once. With --learn the first time only teaches the judge: a handshake may come late. */
async function pass(
  options: Options,
  judge: LearningJudge,
  io: CommandIo,
): Promise<{ analysis: Analysis; end: CaptureEnd }> {
  const { client } = options;
  const dissector = new Dissector({ quic: nodeQuicCrypto, relays: options.relays });
  const analysis = new Analysis({ dissector, judge, ...(client === undefined ? {} : { client }) });
  const bar = io.terminal ? new ProgressBar(io.stderr) : undefined;
  try {
    const end = await readCapture(options.file, analysis, {
      stdin: io.stdin,
      signal: io.signal,
      ...(bar === undefined ? {} : { onProgress: (share: number) => bar.show(share, analysis.packets) }),
    });
    return { analysis, end };
  } catch (error) {
    if (!(error instanceof CaptureFileError)) throw error;
    throw new CommandError(2, error.code, error.message, 'It takes pcap and pcapng, also as .gz.', error);
  } finally {
    bar?.clear();
  }
}

async function optionsOf(args: readonly string[]): Promise<Options | undefined> {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const [file, ...more] = positionals;
  if (file === undefined) throw usage('Which capture file?');
  if (more.length > 0) throw usage(`"${more.join(' ')}" is too much: one file at a time.`);
  const privacy = PRIVACIES.find((known) => known === values.privacy);
  if (values.privacy !== undefined && privacy === undefined) {
    throw usage(`--privacy ${values.privacy}: it is full, redacted or minimal.`);
  }
  const client = values.client === undefined ? undefined : parseMac(values.client);
  if (values.client !== undefined && client === undefined) {
    throw usage(`--client ${values.client} is no MAC address like 02:00:00:00:00:0c.`);
  }
  const policy = await givenPolicy(values.policy, values.tunnel);
  return {
    file,
    json: values.json,
    learn: values.learn,
    privacy: privacy ?? policy.privacy,
    client,
    policy,
    relays: values.relays === undefined ? new Set() : await relaysOf(values.relays),
  };
}

async function relaysOf(path: string): Promise<RelayList> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      2,
      'relays',
      `--relays ${path} cannot be read.`,
      'Give a file with relays.',
      error,
    );
  });
  const relays = parseRelayList(text);
  if (relays.size > 0) return relays;
  const remedy = 'One address or address:port a line, or the lines of a consensus that begin with "r".';
  throw new CommandError(2, 'relays', `--relays ${path} lists no relay.`, remedy);
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
