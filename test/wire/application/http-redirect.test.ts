// Responses of login portals as they are on the wire, and what is none. Holds src/wire/application/http-redirect.ts.

import { describe, expect, it } from 'vitest';
import { httpRedirect, httpTarget } from '../../../src/wire/application/http-redirect.ts';

const read = (text: string): unknown => {
  const bytes = new TextEncoder().encode(text);
  return httpRedirect(bytes, 0, bytes.length);
};
const found = (location: string, status = '302 Found'): string =>
  `HTTP/1.1 ${status}\r\nServer: portal\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
const page = (body: string, status = '200 OK', more = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\n${more}\r\n${body}`;

describe('httpRedirect', () => {
  it.each([
    [found('http://192.168.77.1:8880/guest/s/default/'), { host: '192.168.77.1', port: 8880 }],
    [
      found('https://portal.example/login?x=1', '307 Temporary Redirect'),
      { host: 'portal.example', port: 443 },
    ],
    [found('HTTP://Portal.Example./'), { host: 'portal.example', port: 80 }],
    [found('http://[2001:DB8::1]:8443/'), { host: '2001:db8::1', port: 8443 }],
    [found('http://bücher.example/'), { host: 'xn--bcher-kva.example', port: 80 }],
    ['HTTP/1.0 301 Moved\nlocation:http://10.0.0.1:2050/splash\n\n', { host: '10.0.0.1', port: 2050 }],
    [
      page('', '200 OK', 'Refresh: 0; url=http://10.0.0.1:1000/fgtauth?1\r\n'),
      { host: '10.0.0.1', port: 1000 },
    ],
    [
      page('<html><META HTTP-EQUIV="refresh" CONTENT="0; URL=https://wifi.example:8843/x">'),
      { host: 'wifi.example', port: 8843 },
    ],
    [
      page(
        "<meta http-equiv='refresh' content='1;url=\"http://10.1.1.1:8002/\"'>",
        '511 Network Authentication Required',
      ),
      { host: '10.1.1.1', port: 8002 },
    ],
  ])('%j', (text, target) => {
    expect(read(text)).toEqual(target);
  });

  it.each([
    ['a target on the same host', found('/login')],
    ['no http', found('ftp://192.168.77.1/')],
    ['a script', found('javascript:alert(1)')],
    ['no Location', 'HTTP/1.1 302 Found\r\n\r\n'],
    ['a Location of a page that is there', found('http://192.168.77.1/', '201 Created')],
    ['a page that says url= elsewhere', page('<a href="?url=http://192.168.77.1/">')],
    ['a target without an end', found(`http://192.168.77.1/${'a'.repeat(3_000)}`)],
    ['no response', 'GET / HTTP/1.1\r\nLocation: http://192.168.77.1/\r\n\r\n'],
  ])('%s leads nowhere', (_case, text) => {
    expect(read(text)).toBeUndefined();
  });

  it('does not read what stands far behind', () => {
    expect(
      read(`HTTP/1.1 302 Found\r\nX: ${'a'.repeat(9_000)}\r\nLocation: http://10.0.0.1/\r\n\r\n`),
    ).toBeUndefined();
  });

  it('comes back from any cut of a response', () => {
    const whole = found('https://portal.example:8443/login');
    for (let end = 0; end <= whole.length; end += 1) expect(() => read(whole.slice(0, end))).not.toThrow();
  });
});

describe('httpTarget', () => {
  it('takes the announced API of a portal', () => {
    expect(httpTarget('https://captive.example/api')).toEqual({ host: 'captive.example', port: 443 });
    expect(httpTarget('captive.example')).toBeUndefined();
  });
});
