// Knows: the page on a free port of loopback, as leakguard-web would serve it, and how to ask it plainly. Must not know: any one test.

import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

import { createPage } from '../../web/app.ts';
import type { PageOptions } from '../../web/app.ts';
import { listen, SERVER_LIMITS } from '../../web/server.ts';
import type { ServerLimits } from '../../web/server.ts';

export interface PageUnderTest {
  readonly url: string;
  readonly port: number;
  readonly faults: string[];
  stop(): Promise<void>;
}

export async function showPage(
  options: Partial<PageOptions> & { readonly socketPath: string },
  limits: ServerLimits = SERVER_LIMITS,
): Promise<PageUnderTest> {
  const faults: string[] = [];
  const log = (message: string, error: unknown): void => void faults.push(`${message}: ${String(error)}`);
  const page = createPage({ hostNames: [], log, ...options });
  const handler = page.app.callback();
  const listening = await listen(
    (asked, answer) => void handler(asked, answer),
    { host: '127.0.0.1', port: 0 },
    limits,
  );
  return {
    ...{ url: listening.url, port: listening.port, faults },
    stop: async () => {
      page.close();
      await listening.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request with exactly these headers: browsers and fetch would not send some of them. */
export async function ask(
  port: number,
  path: string,
  wish: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = wish;
    const asking = request({ port, host: '127.0.0.1', path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    asking.on('error', reject).end(body);
  });
}

/** What a browser has after a first visit: its cookie, and the token of the forms. */
export async function visit(port: number): Promise<{ readonly cookie: string; readonly token: string }> {
  const { headers, text } = await ask(port, '/');
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  return { cookie, token: /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '' };
}
