// Texts of the update page, here to be translated. `{…}` is filled in.

import type { UpdateStage } from '../../../src/api/words.ts';

export const UPDATE_TEXTS = {
  title: 'Update',
  runs: 'Version {version} is running.',
  unknownTitle: 'No answer',
  unknown:
    'During an update the monitoring service is stopped and no traffic passes. This page checks again by itself.',
  noWayBack:
    'This box has no signed file of the version it runs, so it could not go back to it, and installs no update. Send the file of version {version} first: it is kept, and nothing else changes.',
  file: 'Update file',
  fileNote:
    'A file ending in .update, signed by a publisher that this box trusts. It is checked before anything changes.',
  meanwhile:
    'No traffic passes until the new version is ready and sees both ports: your device has no network for some minutes. If the new version is not ready in time, the current one comes back by itself.',
  send: 'Send and install',
  nothingGiven: 'Choose a file first.',
  sent: 'The file is on the box and its signature is valid. It is being installed; no traffic passes meanwhile.',
} as const;

/** Result of the last update. `{version}` may be empty. */
export const STAGE_TEXTS: Readonly<Record<UpdateStage, string>> = {
  none: 'Nothing has ever been updated here.',
  installing: 'Version {version} is being installed. No traffic passes.',
  'rolling-back': 'Version {version} did not come up; the previous one is being restored. No traffic passes.',
  updated: 'Version {version} was installed.',
  kept: 'Version {version} is kept to go back to. Nothing else has changed.',
  'rolled-back': 'Version {version} did not come up. The previous one was restored.',
  refused: 'The last update was rejected.',
  failed: 'Version {version} did not come up, and the previous one could not be restored. No traffic passes.',
};
