// What the table of endpoints promises: its questions, how wrong ones are refused, and its OpenAPI text.

import { describe, expect, it } from 'vitest';

import { readBody, readQuery } from '../../src/api/endpoint.ts';
import type { Endpoint } from '../../src/api/endpoint.ts';
import { ENDPOINTS } from '../../src/api/endpoints.ts';
import type { EndpointName } from '../../src/api/endpoints.ts';
import { openApi } from '../../src/api/openapi.ts';

const endpoint = (name: EndpointName): Endpoint => ENDPOINTS[name];

/** The body as a handler gets it, or the paths of its faults. */
function sent(name: EndpointName, body: unknown): unknown {
  const schema = endpoint(name).body;
  if (schema === undefined) throw new Error(`${name} takes no body`);
  const read = readBody(schema, body);
  return read.ok ? read.value : read.faults.map(({ path, message }) => `${path} ${message}`);
}

function asked(name: EndpointName, query: string): unknown {
  const schema = endpoint(name).query;
  if (schema === undefined) throw new Error(`${name} takes no query`);
  const read = readQuery(schema, new URLSearchParams(query));
  return read.ok ? read.value : read.faults.map(({ path, message }) => `${path} ${message}`);
}

describe('a body', () => {
  it.each<[EndpointName, unknown, unknown]>([
    ['block', { on: true, more: 1 }, { on: true }],
    ['block', 'on', ['on is not true or false']],
    ['block', [], ['on is not true or false']],
    ['block', null, ['on is not true or false']],
    ['openPass', { seconds: 60, client: '02:00:00:00:00:0C' }, { seconds: 60, client: '02:00:00:00:00:0c' }],
    ['openPass', { seconds: 3_601 }, ['seconds is not a valid duration']],
    ['openPass', { seconds: 1.5 }, ['seconds is not a valid duration']],
    ['openPass', { client: 7 }, ['seconds is not a valid duration', 'client is not a MAC address']],
    ['acknowledge', { id: 'all', unacknowledged: -1 }, ['unacknowledged is not a whole number']],
    ['acknowledge', { id: 7 }, ['id is not a text']],
    ['replacePolicy', {}, ['text is not a text']],
    ['changeSettings', {}, []],
    [
      'changeSettings',
      { lamp: 'none', web: 1 },
      ['lamp cannot be changed here', 'web cannot be changed here'],
    ],

    ['changeSettings', { profile: 7, allow: [{}] }, { profile: 7, allow: [{}] }],
    ['addTunnel', {}, ['name is missing', 'protocol is missing', 'endpoints are missing']],
    ['addTunnel', { name: 'a', protocol: 'b', endpoints: [1] }, ['endpoints[0] are missing']],
    ['importTunnel', { bytes: '' }, ['name is missing']],
    ['learnTunnel', {}, {}],
    ['testLed', { pattern: 'purple' }, ['pattern is not known']],
  ])('of %s: %j', (name, body, read) => {
    expect(sent(name, body)).toEqual(read);
  });
});

it('a list of settings is as long as any list of a policy, and no longer', () => {
  expect(sent('changeSettings', { mustTunnel: Array(4_096) })).toEqual({ mustTunnel: Array(4_096) });
  expect(sent('changeSettings', { mustTunnel: Array(4_097) })).toEqual(['mustTunnel has too many entries']);
});

describe('a query', () => {
  it.each<[EndpointName, string, unknown]>([
    ['incidents', '', { limit: 100 }],
    ['incidents', 'limit=2000&limit=x&more=1', { limit: 2_000 }],
    ['incidents', 'limit=2001', ['limit is out of range']],
    ['incidents', 'limit=', ['limit is out of range']],
    ['incidents', 'client=AB&acknowledged=false', { client: 'ab', acknowledged: false, limit: 100 }],
    ['incidents', 'acknowledged=no', ['acknowledged is neither true nor false']],
    [
      'incidents',
      'rule=Z&kind=x&severity=y',
      ['rule is not known', 'kind is not known', 'severity is not known'],
    ],
    ['incidents', 'since=1000&until=1970-01-01T00:00:02Z', { since: 1_000, until: 2_000, limit: 100 }],
    ['gaps', 'since=then', ['since is not a time']],
    ['report', '', { format: 'text', limit: 100 }],
    ['report', 'format=xml', ['format is not known']],
    ['timeline', 'buckets=0', ['buckets is out of range']],
    ['timeline', '', { buckets: 144 }],
  ])('of %s: %s', (name, query, read) => {
    expect(asked(name, query)).toEqual(read);
  });
});

describe('the table', () => {
  const all: readonly (readonly [string, Endpoint])[] = Object.entries(ENDPOINTS);

  it('has each question once, and for each either JSON or a file', () => {
    const questions = all.map(([, { method, path }]) => `${method} ${path}`);
    expect(new Set(questions).size).toBe(questions.length);
    for (const [name, { answer, file, body, usage, method }] of all) {
      expect([name, (answer === undefined) === (file !== undefined)]).toEqual([name, true]);
      expect([name, (body === undefined) === (usage === undefined)]).toEqual([name, true]);
      expect([name, method === 'GET' && body !== undefined]).toEqual([name, false]);
    }
  });

  it('is told as OpenAPI 3.1: every endpoint, and every reference leads somewhere', () => {
    const document = openApi('1.2.3');
    const { openapi, info, paths, components } = document as {
      openapi: string;
      info: { version: string };
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
      components: { schemas: Record<string, { description?: string; properties: Record<string, object> }> };
    };
    expect([openapi, info.version]).toEqual(['3.1.0', '1.2.3']);
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(ENDPOINTS).sort());
    expect(Object.keys(paths['/v1/incidents/{id}/frames']?.['get']?.responses ?? {})).toContain('404');
    const text = JSON.stringify(document);
    const named = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name);
    expect(named.filter((name) => components.schemas[name] === undefined)).toEqual([]);
    expect(text.match(/"\$ref":"(?!#\/components\/schemas\/\w+")[^"]*/g) ?? []).toEqual([]);
    expect(components.schemas['Status']?.properties['unacknowledged']).toEqual({
      type: 'number',
      minimum: 0,
    });
    expect(JSON.stringify(components.schemas['Incident'])).toContain('MAC address of the client.');
  });
});
