// What an update must never do: be taken unsigned, leave the box without a version that works, or open the wire on its way. The machine is
// a list of what was asked of it, and fails where a test wants it to.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { UpdateError, makeUpdate, readUpdate } from '../../../appliance/update/bundle.ts';
import type { UpdateClaim } from '../../../appliance/update/bundle.ts';
import { UpdateInstaller } from '../../../appliance/update/installer.ts';
import { Slots, publishedIn } from '../../../appliance/update/slots.ts';
import { KEYS, owner, ownFolder, pem, refusal } from './fixture.ts';

const stranger = generateKeyPairSync('ed25519');
const NEW = Buffer.from('the new package');
const FOR_HERE = { version: '2.0', architecture: 'arm64' };

const folder = ownFolder('update-');

describe('the file of an update', () => {
  const file = makeUpdate(FOR_HERE, NEW, owner.privateKey);

  it('is read when somebody trusted signed it', () => {
    const update = readUpdate(file, [pem(stranger.publicKey), ...KEYS]);
    expect(Buffer.from(update.package)).toEqual(NEW);
    expect(update.head).toMatchObject({ ...FOR_HERE, bytes: NEW.length });
  });

  it('is refused when nobody trusted signed it', () => {
    expect(refusal(() => readUpdate(makeUpdate(FOR_HERE, NEW, stranger.privateKey), KEYS))).toBe(
      'not-signed',
    );
    expect(refusal(() => readUpdate(file, []))).toBe('not-signed');
    expect(refusal(() => readUpdate(file, ['no key']))).toBe('not-signed');
  });

  it('is refused with any one byte changed, or cut off anywhere', () => {
    for (let at = 0; at < file.length; at += 1) {
      const other = Buffer.from(file);
      other.writeUInt8(other.readUInt8(at) ^ 1, at);
      expect(refusal(() => readUpdate(other, KEYS))).not.toBe('taken');
      expect(refusal(() => readUpdate(file.subarray(0, at), KEYS))).not.toBe('taken');
    }
    expect(refusal(() => readUpdate(Buffer.concat([file, NEW]), KEYS))).toBe('damaged');
  });

  it('is signed as openssl signs', () => {
    const [magic = '', head = '', signature = ''] = file.toString('latin1').split('\n');
    const at = (name: string): string => join(folder(), name);
    writeFileSync(at('key'), KEYS[0] ?? '');
    writeFileSync(at('text'), `${magic}\n${head}\n`);
    writeFileSync(at('signature'), Buffer.from(signature, 'base64'));
    const args = ['-verify', '-pubin', '-inkey', at('key'), '-rawin', '-in', at('text')];
    const said = execFileSync('openssl', ['pkeyutl', ...args, '-sigfile', at('signature')]);
    expect(said.toString()).toMatch(/Verified Successfully/);
  });
});

const OLD = Buffer.from('the old package');
const signed = (version: string, content: Buffer, more: Partial<UpdateClaim> = {}, key = owner.privateKey) =>
  makeUpdate({ ...FOR_HERE, version, ...more }, content, key);
const OLD_FILE = signed('1.0', OLD);

interface Faults {
  readonly faults?: readonly string[];
  readonly keys?: readonly string[] | UpdateError;
  readonly installed?: string;
}
/** A machine whose `install` or `restart` of one package fails. */
function machine(slots: Slots, { faults = [], keys = KEYS, installed = '1.0' }: Faults = {}) {
  const asked: string[] = [];
  let name = 'old';
  const act = (what: string): Promise<void> => {
    asked.push(what);
    return faults.includes(what) ? Promise.reject(new Error(`${what} failed`)) : Promise.resolve();
  };
  let version = installed;
  const system = {
    architecture: 'arm64',
    installedVersion: () => Promise.resolve(version),
    isNewer: (one: string, than: string) => Promise.resolve(one > than),
    closeWire: () => act('close'),
    install: (content: Uint8Array) => {
      name = OLD.equals(content) ? 'old' : NEW.equals(content) ? 'new' : 'foreign';
      version = name === 'old' ? '1.0' : faults.includes('mislabelled') ? '3.0' : '2.0';
      return act(`install ${name}`);
    },
    restart: (of: string) => act(`restart ${name} ${of}`),
  };
  return { asked, installer: new UpdateInstaller(slots, system, keys) };
}

function box(working: Uint8Array | null = OLD_FILE): Slots {
  const slots = new Slots(folder());
  if (working !== null) slots.keepWorking(working);
  return slots;
}

const update = signed('2.0', NEW);
const workingIn = (slots: Slots): string => readUpdate(slots.working() ?? Buffer.of(), KEYS).head.version;

describe('an update', () => {
  it('closes the wire, installs, and is kept as what works once it is ready', async () => {
    const slots = box();
    const { asked, installer } = machine(slots);
    expect((await installer.update(update)).stage).toBe('updated');
    expect(asked).toEqual(['close', 'install new', 'restart new 2.0']);
    expect(slots.working()).toEqual(update);
    expect(readdirSync(slots.workspace).sort()).toEqual(['record.json', 'working.update']);
    expect(publishedIn(folder())).toMatchObject({ stage: 'updated', version: '2.0', wayBack: '2.0' });
  });

  it.each(['install new', 'restart new 2.0', 'mislabelled'])(
    'goes back to what worked when "%s" fails',
    async (fault) => {
      const slots = box();
      const { asked, installer } = machine(slots, { faults: [fault] });
      expect(await installer.update(update)).toMatchObject({ stage: 'rolled-back', version: '2.0' });
      expect(asked.slice(-3)).toEqual(['close', 'install old', 'restart old 1.0']);
      expect(slots.working()).toEqual(OLD_FILE);
      expect(slots.record().stage).toBe('rolled-back');
      expect(publishedIn(folder())).toMatchObject({ stage: 'rolled-back', wayBack: '1.0' });
    },
  );

  it('leaves the wire closed and says so when neither version comes up', async () => {
    const slots = box();
    const { asked, installer } = machine(slots, { faults: ['restart new 2.0', 'restart old 1.0'] });
    expect((await installer.update(update)).stage).toBe('failed');
    expect(asked.filter((what) => what === 'close')).toHaveLength(2);
    expect(asked.at(-1)).toBe('restart old 1.0');
  });

  it.each([
    ['not-signed', signed('2.0', NEW, {}, stranger.privateKey), {}],
    ['not-for-this-box', signed('2.0', NEW, { architecture: 'amd64' }), {}],
    ['older', signed('0.9', NEW), {}],
    ['older', signed('0.9', NEW, { downgradeFrom: ['0.8', '1.1'] }), {}],
    ['not-signed', signed('2.0', NEW), { keys: [pem(stranger.publicKey)] }],
    [
      'unsafe-place',
      signed('2.0', NEW),
      { keys: new UpdateError('unsafe-place', 'the keys are not root’s') },
    ],
    // What lies in the slot is no way back unless it is signed, and is what is installed now.
    ['no-way-back', update, { working: null }],
    ['no-way-back', update, { working: Buffer.from('the old package, bare') }],
    ['no-way-back', update, { working: signed('1.0', OLD, {}, stranger.privateKey) }],
    ['no-way-back', update, { working: signed('0.9', OLD) }],
    ['no-way-back', update, { working: signed('1.0', OLD, { architecture: 'amd64' }) }],
  ] as const)('touches nothing when it is refused: %s', async (code, file, given) => {
    const { working, keys } = { working: OLD_FILE, keys: KEYS, ...given };
    const slots = box(working);
    const { asked, installer } = machine(slots, { keys });
    await expect(installer.update(file)).rejects.toMatchObject({ code });
    expect(asked).toEqual([]);
    expect(slots.working()).toEqual(working ?? undefined);
    expect(slots.record().stage).toBe('refused');
  });

  it('may be older when its publisher signed that it may replace this very version', async () => {
    const slots = box();
    const { asked, installer } = machine(slots);
    const older = signed('0.9', NEW, { downgradeFrom: ['0.8', '1.0'] });
    expect(readUpdate(older, KEYS).head.downgradeFrom).toEqual(['0.8', '1.0']);
    // The package says 2.0 of itself here, so it is taken back; what counts is that it was tried.
    expect((await installer.update(older)).stage).toBe('rolled-back');
    expect(asked).toContain('install new');
    // A permission is signed with the rest: it cannot be added.
    const text = signed('0.9', NEW).toString('latin1').replace('}', ',"downgradeFrom":["1.0"]}');
    await expect(installer.update(Buffer.from(text, 'latin1'))).rejects.toMatchObject({ code: 'not-signed' });
  });

  it('of the version that is installed is kept as the way back, and installs nothing', async () => {
    const slots = box(null);
    const { asked, installer } = machine(slots);
    expect(publishedIn(folder()).wayBack).toBe('');
    expect((await installer.update(OLD_FILE)).stage).toBe('kept');
    expect(asked).toEqual([]);
    expect(publishedIn(folder())).toMatchObject({ stage: 'kept', wayBack: '1.0' });
    await expect(installer.keep(update)).rejects.toMatchObject({ code: 'no-way-back' });
    await expect(installer.keep(signed('1.0', OLD, {}, stranger.privateKey))).rejects.toMatchObject({
      code: 'not-signed',
    });
    expect(workingIn(slots)).toBe('1.0');
  });

  it('is taken back after a power cut in its middle, and only then', async () => {
    const slots = box();
    const { asked, installer } = machine(slots, { installed: '2.0' });
    expect((await installer.resume()).stage).toBe('none');
    expect(asked).toEqual([]);
    slots.write({ stage: 'installing', version: '2.0', why: '' }, '1.0');
    expect((await installer.resume()).stage).toBe('rolled-back');
    expect(asked).toEqual(['close', 'install old', 'restart old 1.0']);
    expect((await installer.resume()).stage).toBe('rolled-back');
    expect(asked).toHaveLength(3);
  });

  it.each([
    ['nothing', null, KEYS],
    ['a bare package', Buffer.from('EVIL unsigned package'), KEYS],
    ['what a stranger signed', signed('1.0', OLD, {}, stranger.privateKey), KEYS],
    ['what was changed', Buffer.concat([OLD_FILE, Buffer.from('x')]), KEYS],
    ['what is signed, and no key is believed', OLD_FILE, new UpdateError('unsafe-place', 'not root’s')],
  ] as const)('is closed, not taken back to %s', async (_, working, keys) => {
    const slots = box(working);
    const { asked, installer } = machine(slots, { keys });
    slots.write({ stage: 'installing', version: '2.0', why: '' }, '');
    expect((await installer.resume()).stage).toBe('failed');
    expect(asked).toEqual(['close']);
  });
});
