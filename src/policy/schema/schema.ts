// Parses the text of a policy file (YAML 1.2) into a Policy, or a list of every fault with its line. README.md, guarantee 7: an invalid
// policy is refused whole.

import { settingsAt } from './schema-settings.ts';
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

/** A policy, or what is wrong with its text: at most 500 faults, and one that says that there are more. */
export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly faults: readonly Fault[] };

/** Faults in one answer; the rest is only mentioned. */
const MAX_FAULTS = 500;
/** Characters at the beginning of a quoted text that is too long to quote whole. */
const MAX_QUOTED = 200;

type Path = readonly PropertyKey[];

/** The policy, or every fault in its text. Never throws; takes time in proportion to the text. */
export function parsePolicy(yamlText: string): ParsedPolicy {
  const read = readYaml(yamlText);
  return 'refused' in read ? refuse([read.refused]) : policyIn(read);
}

/** As `parsePolicy`, and for a valid policy its document, so that an edit need not parse it again. */
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
    return refuse([
      { path: '', message: 'aliases (&, *) are not supported', remedy: 'Write the value itself.' },
    ]);
  }
  const lineOf = (path: Path): number | undefined => findLine(document, path, lines);
  const result = policyFile.safeParse(value ?? {});
  const cross = (policy: Policy, original: (path: Path) => Path): Fault[] =>
    crossFaults(policy)
      .slice(0, MAX_FAULTS + 1)
      .map(({ path, message, remedy }) => {
        const whole = original(path);
        return withLine({ path: pathText(whole), message, remedy }, lineOf(whole));
      });
  if (result.success) {
    const faults = cross(result.data, (path) => path);
    return faults.length > 0 ? refuse(faults) : { ok: true, policy: result.data };
  }
  const { issues } = result.error;
  // With so many faults the user fixes them in rounds: checks across fields are made once the fields are valid.
  if (issues.length > MAX_FAULTS)
    return refuse(issues.slice(0, MAX_FAULTS + 1).flatMap((issue) => issueFaults(issue, value, lineOf)));
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

/** A list that is empty only because its faulty elements were removed is not a fault. */
function isFollowUp(path: string, issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.some((issue) => issue.path.length > 1 && pathText(issue.path).startsWith(`${path}[`));
}

/** What to remove so that the rest can be read: where a key is missing, the mapping that lacks it. */
function issuePaths(issue: z.core.$ZodIssue, value: unknown): Path[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...issue.path, key]);
  return [valueAt(value, issue.path) === undefined ? issue.path.slice(0, -1) : issue.path];
}

function refuse(faults: readonly Fault[]): ParsedPolicy & { readonly ok: false } {
  const listed = faults.slice(0, MAX_FAULTS).map((fault) => ({ ...fault, ...shownTexts(fault) }));
  if (faults.length > listed.length) {
    const message = `there are more than ${MAX_FAULTS} faults`;
    listed.push({ path: '', message, remedy: 'Correct these first.' });
  }
  return { ok: false, faults: listed };
}

/** A fault quotes the value that is wrong; of a long one it quotes the beginning and the end. */
function shownTexts({ path, message }: Fault): Pick<Fault, 'path' | 'message'> {
  const shown = (text: string): string =>
    text.length > 2 * MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…${text.slice(-MAX_QUOTED / 2)}` : text;
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

/** The line of a value, or of the innermost key or list around it that is in the text. */
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
    const remedy = `Remove it, or correct its spelling; the settings here are ${settingsAt(policyFile, path).join(', ')}.`;
    return issue.keys.slice(0, MAX_FAULTS + 1).map((key) => {
      const whole = [...path, key];
      return withLine({ path: pathText(whole), message: `"${key}" is not a setting`, remedy }, lineOf(whole));
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
  if (issue.code === 'too_big') return `Write at most ${String(issue.maximum)}.`;
  if (issue.code === 'too_small') return `Write at least ${String(issue.minimum)}.`;
  return 'See appliance/policy/policy.example.yaml.';
}
