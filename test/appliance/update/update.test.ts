// Knows: what an update must never do: be taken unsigned, leave the box without a version that works, or open the wire on its way.
// Must not know: dpkg. The machine is a list of what was asked of it, and fails where a test wants it to.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { UpdateError, makeUpdate, readUpdate } from '../../../appliance/update/bundle.ts';
import { UpdateInstaller } from '../../../appliance/update/installer.ts';
import { Slots } from '../../../appliance/update/slots.ts';

const owner = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const pem = (key: typeof owner.publicKey): string => String(key.export({ type: 'spki', format: 'pem' }));
const KEYS = [pem(owner.publicKey)];
const NEW = Buffer.from('the new package');
const FOR_HERE = { version: '2.0', architecture: 'arm64' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'update-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof UpdateError) return error.code;
    throw error;
  }
  return 'taken';
};

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
      // The last character of base64 carries bits that mean nothing: the signature may still be the same.
      const same = refusal(() => readUpdate(other, KEYS)) === 'taken';
      if (same) expect(Buffer.from(readUpdate(other, KEYS).package)).toEqual(NEW);
      expect(refusal(() => readUpdate(file.subarray(0, at), KEYS))).not.toBe('taken');
    }
    expect(refusal(() => readUpdate(Buffer.concat([file, NEW]), KEYS))).toBe('damaged');
  });

  it('is signed as openssl signs', () => {
    const [magic = '', head = '', signature = ''] = file.toString('latin1').split('\n');
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('key'), KEYS[0] ?? '');
    writeFileSync(at('text'), `${magic}\n${head}\n`);
    writeFileSync(at('signature'), Buffer.from(signature, 'base64'));
    const args = ['-verify', '-pubin', '-inkey', at('key'), '-rawin', '-in', at('text')];
    const said = execFileSync('openssl', ['pkeyutl', ...args, '-sigfile', at('signature')]);
    expect(said.toString()).toMatch(/Verified Successfully/);
  });
});

/** A machine whose `install` or `restart` of one package fails. */
function machine(slots: Slots, faults: readonly string[] = []) {
  const asked: string[] = [];
  let installed = 'old';
  const act = (what: string): Promise<void> => {
    asked.push(what);
    return faults.includes(what) ? Promise.reject(new Error(`${what} failed`)) : Promise.resolve();
  };
  const system = {
    architecture: 'arm64',
    installedVersion: () => Promise.resolve('1.0'),
    isNewer: (version: string, than: string) => Promise.resolve(version > than),
    closeWire: () => act('close'),
    install: (path: string) => {
      installed = path === slots.candidate ? 'new' : 'old';
      return act(`install ${installed}`);
    },
    restart: () => act(`restart ${installed}`),
  };
  return { asked, installer: new UpdateInstaller(slots, system) };
}

function box(): Slots {
  const slots = new Slots(folder);
  writeFileSync(slots.working, 'the old package');
  return slots;
}

const update = makeUpdate(FOR_HERE, NEW, owner.privateKey);

describe('an update', () => {
  it('closes the wire, installs, and is kept as what works once it is ready', async () => {
    const slots = box();
    const { asked, installer } = machine(slots);
    expect((await installer.update(update, KEYS)).stage).toBe('updated');
    expect(asked).toEqual(['close', 'install new', 'restart new']);
    expect(readFileSync(slots.working)).toEqual(NEW);
    expect(existsSync(slots.candidate)).toBe(false);
  });

  it.each(['install new', 'restart new'])('goes back to what worked when "%s" fails', async (fault) => {
    const slots = box();
    const { asked, installer } = machine(slots, [fault]);
    expect(await installer.update(update, KEYS)).toMatchObject({ stage: 'rolled-back', version: '2.0' });
    expect(asked.slice(-3)).toEqual(['close', 'install old', 'restart old']);
    expect(readFileSync(slots.working, 'utf8')).toBe('the old package');
    expect(slots.record()).toMatchObject({ stage: 'rolled-back', why: `${fault} failed` });
  });

  it('leaves the wire closed and says so when neither version comes up', async () => {
    const slots = box();
    const { asked, installer } = machine(slots, ['restart new', 'restart old']);
    expect((await installer.update(update, KEYS)).stage).toBe('failed');
    expect(asked.filter((what) => what === 'close')).toHaveLength(2);
    expect(asked.at(-1)).toBe('restart old');
  });

  it.each([
    ['not-signed', makeUpdate(FOR_HERE, NEW, stranger.privateKey)],
    ['not-for-this-box', makeUpdate({ ...FOR_HERE, architecture: 'amd64' }, NEW, owner.privateKey)],
    ['older', makeUpdate({ ...FOR_HERE, version: '1.0' }, NEW, owner.privateKey)],
  ])('touches nothing when it is refused: %s', async (code, file) => {
    const slots = box();
    const { asked, installer } = machine(slots);
    await expect(installer.update(file, KEYS)).rejects.toMatchObject({ code });
    expect(asked).toEqual([]);
    expect(slots.record().stage).toBe('refused');
  });

  it('is refused when there would be no way back', async () => {
    const { asked, installer } = machine(new Slots(folder));
    await expect(installer.update(update, KEYS)).rejects.toMatchObject({ code: 'no-way-back' });
    expect(asked).toEqual([]);
  });

  it('is taken back after a power cut in its middle, and only then', async () => {
    const slots = box();
    const { asked, installer } = machine(slots);
    expect((await installer.resume()).stage).toBe('none');
    expect(asked).toEqual([]);
    slots.write({ stage: 'installing', version: '2.0', why: '' });
    expect((await installer.resume()).stage).toBe('rolled-back');
    expect(asked).toEqual(['close', 'install old', 'restart old']);
    expect((await installer.resume()).stage).toBe('rolled-back');
    expect(asked).toHaveLength(3);
  });
});
