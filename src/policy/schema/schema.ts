// Knows: how the text of a policy file becomes a Policy, or a list of every fault with its line. Must not know: files, rules.
// Follows README.md, guarantee 7, and YAML 1.2. An invalid policy is refused whole.

import { isMap, isScalar, isSeq } from 'yaml';
import type { Document, LineCounter, Node } from 'yaml';
import type { z } from 'zod';
import type { Fault } from '../fault.ts';
import type { Policy } from '../policy.ts';
import { crossFaults } from './schema-checks.ts';
import { policyFile } from './schema-parts.ts';
import { valueAt, withoutParts } from './schema-repair.ts';
import { readYaml } from './schema-text.ts';
import type { YamlReading } from './schema-text.ts';

export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly faults: readonly Fault[] };

/** Faults that one answer lists: who sends a million is told of these, and that there are more. */
const FAULTS_MOST = 500;
/** Of a text that is told back, characters. */
const SHOWN_MOST = 200;

type Path = readonly PropertyKey[];

/** Never throws; takes time in proportion to the text. */
export function parsePolicy(yamlText: string): ParsedPolicy {
  const read = readYaml(yamlText);
  return 'refused' in read ? refuse([read.refused]) : policyIn(read);
}

/** The same with the document of a valid one: who edits it need not read it again. */
export function readPolicy(
  yamlText: string,
):
  | { readonly ok: true; readonly policy: Policy; readonly document: Document.Parsed }
  | (ParsedPolicy & { readonly ok: false }) {
  const read = readYaml(yamlText);
  if ('refused' in read) return refuse([read.refused]);
  const parsed = policyIn(read);
  return parsed.ok ? { ...parsed, document: read.document } : parsed;
}

function policyIn({ document, lines, faults: broken }: YamlReading): ParsedPolicy {
  if (broken.length > 0) return refuse(broken);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    return refuse([{ path: '', message: 'aliases (&, *) are not read', remedy: 'Write the value out.' }]);
  }
  const lineOf = (path: Path): number | undefined => findLine(document, path, lines);
  const result = policyFile.safeParse(value ?? {});
  const cross = (policy: Policy, original: (path: Path) => Path): Fault[] =>
    crossFaults(policy)
      .slice(0, FAULTS_MOST + 1)
      .map(({ path, message, remedy }) => {
        const whole = original(path);
        return withLine({ path: pathText(whole), message, remedy }, lineOf(whole));
      });
  if (result.success) {
    const faults = cross(result.data, (path) => path);
    return faults.length > 0 ? refuse(faults) : { ok: true, policy: result.data };
  }
  const { issues } = result.error;
  // Whoever has so many mends them in rounds: what stands between two fields is looked at when the fields are sound.
  if (issues.length > FAULTS_MOST)
    return refuse(issues.slice(0, FAULTS_MOST + 1).flatMap((issue) => issueFaults(issue, value, lineOf)));
  const repaired = withoutParts(
    value,
    issues.flatMap((issue) => issuePaths(issue, value)),
  );
  const rest = policyFile.safeParse(repaired.value);
  return refuse([
    ...issues.flatMap((issue) => issueFaults(issue, value, lineOf)),
    ...(rest.success
      ? cross(rest.data, repaired.original).filter(({ path }) => !isFollowUp(path, issues))
      : []),
  ]);
}

/** A list that is empty only because its faulty elements were taken out is not at fault itself. */
function isFollowUp(path: string, issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.some((issue) => issue.path.length > 1 && pathText(issue.path).startsWith(`${path}[`));
}

/** What has to go for the rest to be read: what is missing in a mapping cannot, so the mapping does. */
function issuePaths(issue: z.core.$ZodIssue, value: unknown): Path[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...issue.path, key]);
  return [valueAt(value, issue.path) === undefined ? issue.path.slice(0, -1) : issue.path];
}

function refuse(faults: readonly Fault[]): ParsedPolicy & { readonly ok: false } {
  const told = faults.slice(0, FAULTS_MOST).map((fault) => ({ ...fault, ...shownTexts(fault) }));
  if (faults.length > told.length) {
    const message = `there are more than ${FAULTS_MOST} faults`;
    told.push({ path: '', message, remedy: 'Mend these first.' });
  }
  return { ok: false, faults: told };
}

/** A fault quotes what is wrong; of a megabyte it quotes the beginning. */
function shownTexts({ path, message }: Fault): Pick<Fault, 'path' | 'message'> {
  const shown = (text: string): string =>
    text.length > 2 * SHOWN_MOST ? `${text.slice(0, SHOWN_MOST)}…${text.slice(-SHOWN_MOST / 2)}` : text;
  return { path: shown(path), message: shown(message) };
}

function withLine(fault: Fault, line: number | undefined): Fault {
  return line === undefined ? fault : { ...fault, line };
}

/** `tunnels[0].endpoints[1]` */
function pathText(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** The line of a value, or of the nearest thing around it that is written. */
function findLine(document: Document, path: Path, lines: LineCounter): number | undefined {
  let node: Node | null = document.contents;
  let line = lineAt(node, lines);
  for (const part of path) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      const key: unknown = pair?.key;
      if (isScalar(key)) line = lineAt(key, lines) ?? line;
      next = pair?.value;
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
    }
    if (!isMap(next) && !isSeq(next) && !isScalar(next)) return line;
    node = next;
    line = lineAt(node, lines) ?? line;
  }
  return line;
}

function lineAt(node: Node | null, lines: LineCounter): number | undefined {
  const start = node?.range?.[0];
  return start === undefined ? undefined : lines.linePos(start).line;
}

function issueFaults(
  issue: z.core.$ZodIssue,
  value: unknown,
  lineOf: (path: Path) => number | undefined,
): Fault[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, FAULTS_MOST + 1).map((key) => {
      const whole = [...path, key];
      const remedy = 'Remove it, or correct its spelling; `leakguard policy check` lists what there is.';
      return withLine({ path: pathText(whole), message: `"${key}" is no setting`, remedy }, lineOf(whole));
    });
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat().filter((deeper) => deeper.code === 'custom');
    const first = inner[0];
    if (first !== undefined) return issueFaults({ ...first, path: [...path, ...first.path] }, value, lineOf);
  }
  const missing = issue.code === 'invalid_type' && valueAt(value, path) === undefined;
  const message = missing ? 'is missing' : lowerFirst(issue.message);
  return [withLine({ path: pathText(path), message, remedy: remedyOf(issue, missing) }, lineOf(path))];
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function remedyOf(issue: z.core.$ZodIssue, missing: boolean): string {
  if (issue.code === 'custom')
    return typeof issue.params?.['remedy'] === 'string' ? issue.params['remedy'] : 'Correct it.';
  if (issue.code === 'invalid_value')
    return `Write ${issue.values.map((value) => JSON.stringify(value)).join(', ')}.`;
  if (issue.code === 'invalid_type')
    return missing ? `Add it (${issue.expected}).` : `Write a value of type ${issue.expected}.`;
  if (issue.code === 'invalid_format' && issue.format === 'regex')
    return 'Use letters, digits and simple punctuation, as the example policy does.';
  if (issue.code === 'too_big') return `At most ${String(issue.maximum)}.`;
  if (issue.code === 'too_small') return `At least ${String(issue.minimum)}.`;
  return 'See appliance/policy/policy.example.yaml.';
}
