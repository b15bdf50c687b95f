// Knows: what the paths of the local API about the box itself do, and which routes there are in all. Must not know: HTTP, kernel.
// Follows ARCHITECTURE.md: commands arrive at the local API.

import type { Guard } from '../../src/guard/guard.ts';
import type { HealthAnswer, LampTestAnswer } from '../../src/guard/answers.ts';
import { LAMPS } from '../../src/guard/status.ts';
import type { Status } from '../../src/guard/status.ts';
import type { HealthProbe } from '../health.ts';
import { LAMP_TEST_SECONDS, isLamp } from '../lamp/lamp-test.ts';
import type { LampTest } from '../lamp/lamp-test.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { BoxClock, clockRoutes } from './clock-routes.ts';
import { historyRoutes } from './history-routes.ts';
import type { HistorySubject } from './history-routes.ts';
import type { PolicyTexts } from './policy-texts.ts';
import { inTurn } from './policy-turns.ts';
import { apiRoutes, field } from './routes.ts';
import type { ApiSubject } from './routes.ts';
import { settingsRoutes } from './settings-routes.ts';
import { tunnelRoutes } from './tunnel-routes.ts';
import { updateRoutes } from './update-routes.ts';

/** What all routes together ask of the daemon. */
export interface BoxSubject {
  readonly box: ApiSubject;
  readonly history: HistorySubject;
  readonly guard: () => Pick<Guard, 'observer'>;
  readonly health: HealthProbe;
  readonly lamp: LampTest;
  readonly texts: PolicyTexts;
  /** The policy file. */
  readonly configPath: string;
  readonly stateDir: string;
  /** The version that runs. */
  readonly version: string;
  /** Where a wish for another time is taken from. */
  readonly clockWish: string | undefined;
}

/** Every route of the local API. */
export function everyRoute({
  box,
  history,
  guard,
  health,
  lamp,
  texts,
  configPath,
  stateDir,
  version,
  clockWish,
}: BoxSubject): readonly ApiRoute[] {
  const setPolicy = box.setPolicy.bind(box);
  const clock = new BoxClock({ wishPath: clockWish });
  const edits = [
    ...[...apiRoutes(box), ...tunnelRoutes({ configPath, texts, setPolicy, guard })],
    ...settingsRoutes({ configPath, texts, setPolicy }),
  ];
  return [
    ...[...inTurn(edits, configPath), ...historyRoutes(history, box), ...boxRoutes(box, health, lamp, clock)],
    ...[...updateRoutes(stateDir, version), ...clockRoutes(clock)],
  ];
}

export function boxRoutes(
  box: { status(): Status },
  health: Pick<HealthProbe, 'read'>,
  lamp: Pick<LampTest, 'start'>,
  clock: Pick<BoxClock, 'keeper'>,
): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/health',
      handle: async (): Promise<HealthAnswer> => ({
        ...{ guard: box.status().health, clockKeeper: clock.keeper },
        ...(await health.read()),
      }),
    },
    {
      method: 'POST',
      path: '/v1/lamp/test',
      handle: ({ body }): LampTestAnswer => {
        const pattern = field(body, 'pattern');
        if (!isLamp(pattern)) {
          const remedy = `send one of ${LAMPS.join(', ')}`;
          throw new ApiError(400, 'invalid', 'the lamp is tried with {"pattern": "red"}', [
            { path: 'pattern', message: 'is no pattern of the lamp', remedy },
          ]);
        }
        lamp.start(pattern);
        return { pattern, seconds: LAMP_TEST_SECONDS };
      },
    },
  ];
}
