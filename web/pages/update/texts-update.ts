// Knows: the words of the update page. Must not know: layout.
// English; with the other texts*.ts the one place for translation. `{…}` is filled in.

import type { UpdateStage } from '../../../src/api/words.ts';

export const UPDATE_TEXTS = {
  title: 'Update',
  runs: 'Version {version} runs.',
  unknownTitle: 'Nobody answers',
  unknown:
    'While an update is under way the guard is away and the wire is closed. This page asks again by itself.',
  noWayBack:
    'No signed file of the version that runs is kept on this box, and without a way back nothing is updated. Send the file of version {version} first: it is kept, and nothing else changes.',
  file: 'Update file',
  fileNote:
    'A file with the ending .update, signed by someone whom this box trusts. It is looked at before anything changes.',
  meanwhile:
    'The wire is closed until the new version is ready and sees both ports: some minutes, without any network for your device. When it is not ready in time, the version that runs now comes back by itself.',
  send: 'Send and install',
  nothingGiven: 'Choose a file first.',
  sent: 'The file is on the box and its signature is good. It is being installed; the wire is closed meanwhile.',
} as const;

/** What became of the last update. `{version}` may be empty. */
export const STAGE_TEXTS: Readonly<Record<UpdateStage, string>> = {
  none: 'Nothing was ever updated here.',
  installing: 'Version {version} is being installed. The wire is closed.',
  'rolling-back': 'Version {version} did not come up; the one before is coming back. The wire is closed.',
  updated: 'Version {version} was installed.',
  kept: 'Version {version} is kept to come back to. Nothing else has changed.',
  'rolled-back': 'Version {version} did not come up. The one before came back.',
  refused: 'The last update was refused.',
  failed: 'Version {version} did not come up, and the one before did not come back. The wire is closed.',
};
