// SSH identification lines by RFC 4253 section 4.2.
import { describe, expect, it } from 'vitest';
import { canBecomeBanner, sshBanner } from '../../../src/wire/application/ssh.ts';
import { expectBounded } from '../bounded.ts';
import { ascii } from '../hex.ts';

const read = (text: string) => sshBanner(ascii(text), 0, text.length);

describe('sshBanner', () => {
  it.each([
    ['SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', '2.0', 'OpenSSH_9.2p1 Debian-2'],
    ['SSH-1.99-Cisco-1.25\n', '1.99', 'Cisco-1.25'],
    ['SSH-2.0-billsSSH_3.6.3q3', '2.0', 'billsSSH_3.6.3q3'],
    ['SSH-2.0-x\r\n\0\0\x05', '2.0', 'x'],
    ['SSH-1.99-Cisco_server-1.24 \0\0\0\0', '1.99', 'Cisco_server-1.24 '],
    ['SSH-2.0-x\0\0\x05\xdc\x0a\x14', '2.0', 'x'],
  ])('reads %j', (text, version, software) => {
    expect(read(text)).toEqual({ version, software });
  });
  it.each([
    'SSH-3.0-x\r\n',
    'ssh-2.0-x\r\n',
    'SSH-2.0-\r\n',
    'SSH-2.0-a\0b\r\n',
    'SSH-2.0',
    '',
    ' SSH-2.0-x',
  ])('refuses %j', (text) => {
    expect(read(text)).toBeUndefined();
  });
  it('refuses a line of more than 255 octets', () => {
    expect(read(`SSH-2.0-${'x'.repeat(245)}\r\n`)).toBeDefined();
    expect(read(`SSH-2.0-${'x'.repeat(300)}\r\n`)).toBeUndefined();
  });
  it('waits for a beginning that fits', () => {
    const begins = (text: string): boolean => canBecomeBanner(ascii(text), 0, text.length);
    expect(['S', 'SSH-', 'SSH-1.99-'].map(begins)).toEqual([true, true, true]);
    expect(['', 'SSL', 'SSH-2.0-OpenSSH'].map(begins)).toEqual([false, false, false]);
  });
  it('is bounded', () => {
    expectBounded(canBecomeBanner, [ascii('SSH-2.')]);
    expectBounded(sshBanner, [ascii('SSH-2.0-OpenSSH_9.2p1\r\n')]);
  });
});
