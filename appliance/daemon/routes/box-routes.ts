// Knows: what the paths of the local API about the box itself do, and which routes there are in all. Must not know: HTTP, kernel.
// Follows ARCHITECTURE.md: commands arrive at the local API.

import type { Guard } from '../../../src/guard/guard.ts';
import type { Status } from '../../../src/api/status.ts';
import type { HealthProbe } from '../../os/health.ts';
import { LED_TEST_SECONDS } from '../../../src/api/words.ts';
import type { LedTest } from '../../led/led-test.ts';
import type { ApiRoute } from './api-server.ts';
import { BoxClock, clockRoutes } from './clock-routes.ts';
import { historyRoutes } from './history-routes.ts';
import type { HistorySubject } from './history-routes.ts';
import type { PolicyTexts } from '../state/policy-texts.ts';
import { routesOf } from './handlers.ts';
import type { Handlers } from './handlers.ts';
import { inTurn } from './policy-turns.ts';
import { apiRoutes } from './routes.ts';
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
  readonly lamp: LedTest;
  readonly texts: PolicyTexts;
  /** The policy file. */
  readonly configPath: string;
  readonly stateDir: string;
  /** The version that runs. */
  readonly version: string;
  /** Where a wish for another time is taken from. */
  readonly setClockRequest: string | undefined;
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
  setClockRequest,
}: BoxSubject): readonly ApiRoute[] {
  const setPolicy = box.setPolicy.bind(box);
  const clock = new BoxClock({ requestPath: setClockRequest });
  const handlers: Handlers = {
    ...apiRoutes(box),
    ...tunnelRoutes({ configPath, texts, setPolicy, guard }),
    ...settingsRoutes({ configPath, texts, setPolicy }),
    ...historyRoutes(history, box),
    ...boxRoutes(box, health, lamp, clock),
    ...updateRoutes(stateDir, version),
    ...clockRoutes(clock),
  };
  return inTurn(routesOf(handlers), configPath);
}

export function boxRoutes(
  box: { status(): Status },
  health: Pick<HealthProbe, 'read'>,
  lamp: Pick<LedTest, 'start'>,
  clock: Pick<BoxClock, 'keeper'>,
) {
  return {
    health: async () => ({
      guard: box.status().health,
      timeSource: clock.keeper,
      ...(await health.read()),
    }),
    testLed: ({ body: { pattern } }) => {
      lamp.start(pattern);
      return { pattern, seconds: LED_TEST_SECONDS };
    },
  } satisfies Partial<Handlers>;
}
