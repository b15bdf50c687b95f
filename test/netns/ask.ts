// How a test asks the local API anything, good or bad.

import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One request over the Unix socket; rejects when nobody listens there. */
export function ask(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // A kept connection may be closed by the other end in the moment it is used again.
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown });
      });
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
