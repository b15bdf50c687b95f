// Knows: how the table of endpoints is told as an OpenAPI 3.1 document. Must not know: any one endpoint.
// Its schemas are JSON Schema 2020-12, those of zod; what is checked and what is told cannot differ.

import { z } from 'zod';

import { COMMON_ERRORS, ENDPOINTS } from './endpoints.ts';
import type { Endpoint } from './endpoint.ts';
import { refusal } from './refusal.ts';
import { allowed, guardHealth, incident, status, tunnel } from './status.ts';

type Json = Readonly<Record<string, unknown>>;

/** What several answers have, or has itself in it; what else is answered is called after its endpoint. */
const SHAPES = {
  Refusal: refusal,
  Status: status,
  Incident: incident,
  Tunnel: tunnel,
  Allowed: allowed,
  GuardHealth: guardHealth,
};

/** The document, as JSON. `version`: of the program that answers so. */
export function openApi(version: string): Json {
  const named = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SHAPES)) named.add(schema, { id });
  const endpoints: readonly (readonly [string, Endpoint])[] = Object.entries(ENDPOINTS);
  for (const [name, { body, answer }] of endpoints) {
    if (body !== undefined) named.add(body, { id: `${titled(name)}Wish` });
    if (answer !== undefined && !named.has(answer)) named.add(answer, { id: `${titled(name)}Answer` });
  }
  const reference = (schema: z.ZodType): Json => ({ $ref: addressOf(named.get(schema)?.id ?? '') });
  const { schemas } = z.toJSONSchema(named, { io: 'input', uri: addressOf });
  // Where they stand says what they are called, and the document which dialect they are in.
  for (const schema of Object.values(schemas)) {
    delete schema.$id;
    delete schema.$schema;
  }
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, endpoint] of endpoints) {
    const path = (paths[endpoint.path.replace(/:(\w+)/g, '{$1}')] ??= {});
    path[endpoint.method.toLowerCase()] = operation(name, endpoint, reference);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Leakguard: the local API',
      version,
      description: 'HTTP over a Unix socket (/run/leakguard/api.sock), for whoever may open it.',
    },
    servers: [{ url: 'http://localhost' }],
    paths,
    components: { schemas },
  };
}

const titled = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
const addressOf = (id: string): string => `#/components/schemas/${id}`;

function operation(name: string, endpoint: Endpoint, reference: (schema: z.ZodType) => Json): Json {
  const { path, does, query, body, answer, file = [], errors = {} } = endpoint;
  const json = (schema: z.ZodType): Json => ({ 'application/json': { schema: reference(schema) } });
  const content = answer === undefined ? Object.fromEntries(file.map((type) => [type, {}])) : json(answer);
  return {
    operationId: name,
    summary: does,
    parameters: [
      ...[...path.matchAll(/:(\w+)/g)].map(([, of]) => ({
        name: of,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...(query === undefined ? [] : parametersOf(query)),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: {
      200: { description: 'Done.', content },
      ...Object.fromEntries(
        codesByStatus(errors).map(([status, codes]) => [
          status,
          { description: codes.map((code) => `\`${code}\``).join(', '), content: json(refusal) },
        ]),
      ),
    },
  };
}

function parametersOf(query: z.ZodObject): readonly Json[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function codesByStatus(
  own: NonNullable<Endpoint['errors']>,
): readonly (readonly [string, readonly string[]])[] {
  const common: Readonly<Record<string, readonly string[]>> = COMMON_ERRORS;
  const statuses = [...new Set([...Object.keys(common), ...Object.keys(own)])].sort();
  return statuses.map((status) => [status, [...(common[status] ?? []), ...(own[Number(status)] ?? [])]]);
}
