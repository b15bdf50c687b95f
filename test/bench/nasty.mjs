// Questions to the local API that cost as much as a question can: texts that parsers like least, all of the past. The test of the bounds
// and the bench send the same ones.

/** @typedef {{ readonly name: string, readonly method: string, readonly path: string, readonly body?: string }} Nasty */

const BYTES = 200_000;

/** Pairs and bytes of which readers of YAML have been made to begin again and again. */
export const YAML_UNITS = /** @type {readonly string[]} */ ([
  ...[
    ', \n',
    ': ',
    '- ',
    '[]',
    '{}',
    '&a',
    '*a',
    '<!',
    '--',
    '==',
    '\r\n',
    '\0\n',
    ':\n',
    'a:',
    ' \n',
    '\t\n',
  ],
  ...[
    '[',
    '{',
    '[,',
    '{a: ',
    '? ',
    '! ',
    '&a ',
    '*a ',
    '"',
    "'",
    '""',
    "''",
    '%a\n',
    '---\n',
    '...\n',
    'a: b\n',
  ],
  ...[
    'a: 1\n',
    '- - ',
    '{[',
    '[{',
    '#',
    '#\n',
    '# ',
    '#\u2028',
    '= ',
    ' =',
    '=\n',
    '|\n',
    '>\n',
    '\\',
    '\\"',
    '&',
    '%',
  ],
]);

/** And other parsers. */
export const UNITS = /** @type {readonly string[]} */ ([
  ...YAML_UNITS,
  ...[
    '[a]\n',
    '[peer]\n',
    '[Interface]\n',
    'Endpoint =\n',
    'Endpoint = a:1\n',
    'remote \n',
    'remote a\n',
    'client \n',
  ],
  ...[
    '<a>\n',
    '</a>\n',
    '<connection>\n',
    'proto x\n',
    'a.',
    '.',
    '::',
    '1.',
    '*.',
    'a=',
    ';name="',
    '\r\n--x',
    'x\u2028',
  ],
]);

/** @param {string} unit @param {number} [bytes] */
export const many = (unit, bytes = BYTES) => unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);

/** @param {string} method @param {string} path @param {unknown} body @returns {Nasty} */
const sent = (method, path, body) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    name: `${method} ${path} ${text.slice(0, 40).replaceAll(/[^ -~]/g, '.')}`,
    method,
    path,
    body: text,
  };
};

const POLICY = 'version: 1\n';

/** @type {readonly Nasty[]} */
export const NASTY = [
  ...[
    '\n',
    '\r',
    '\r\n',
    ' \n',
    '\t',
    '#',
    '#\u2028',
    'Endpoint = a:1\n',
    '<a>\n',
    'remote a\n',
    "'",
    '[peer]\n',
  ].map((unit) => sent('POST', '/v1/tunnels/import', { name: 'x', text: many(unit) })),
  sent('POST', '/v1/tunnels/import', { name: 'x', text: `[Peer]\na =${many(' ')}x\u2028y` }),
  ...['"', '[', '{a: ', '- ', ':\n', 'a: b\n', '&a ', '*a ', '""', '! ', '#\n', '%a\n', '? ', '\n'].map(
    (unit) => sent('PUT', '/v1/policy', { text: POLICY + many(unit) }),
  ),
  sent('PUT', '/v1/policy', { text: `${POLICY}mustTunnel: [${many('a.example, ', 900_000)}x]` }),
  sent('PUT', '/v1/policy', { text: `${POLICY}tunnels: [${many('{}, ', 800_000)}]` }),
  sent('PUT', '/v1/settings', { mustTunnel: Array.from({ length: 80_000 }, (_, at) => `a${at}.b`) }),
  sent('PUT', '/v1/settings', { allow: Array.from({ length: 60_000 }, () => ({ to: 'x' })) }),
  sent('PUT', '/v1/settings', { management: { address: '1'.repeat(900_000) } }),
  sent('POST', '/v1/tunnels', {
    ...{ name: 'x', protocol: 'wireguard' },
    endpoints: Array.from({ length: 30_000 }, (_, at) => `udp:a${at}.b:1`),
  }),
  sent('PUT', '/v1/block', '['.repeat(1_000_000)),
  sent('PUT', '/v1/block', '{"a":'.repeat(200_000)),
  sent('PUT', '/v1/block', `{${Array.from({ length: 60_000 }, (_, at) => `"${at}":1`).join(',')}}`),
  { name: 'all of the dossier', method: 'GET', path: '/v1/dossier?since=0' },
  ...['html', 'json', 'csv', 'eve', 'text'].map((format) => ({
    ...{ name: `report as ${format}`, method: 'GET', path: `/v1/report?since=0&format=${format}` },
  })),
  { name: 'a search in vain', method: 'GET', path: '/v1/incidents?limit=2000&text=nowhere' },
  { name: 'the longest list', method: 'GET', path: '/v1/incidents?limit=2000' },
  { name: 'a timeline of 50 years', method: 'GET', path: '/v1/timeline?from=1&buckets=2000' },
  { name: 'what the past is under', method: 'GET', path: '/v1/history' },
  sent('POST', '/v1/history/rewrite', {}),
];
