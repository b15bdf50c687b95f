// All routes of the local API, and the handlers for the box itself (health, LED test).

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

/** What the routes need of the daemon. */
export interface BoxSubject {
  readonly box: ApiSubject;
  readonly history: HistorySubject;
  readonly guard: () => Pick<Guard, 'observer' | 'tunnels'>;
  readonly health: HealthProbe;
  readonly lamp: LedTest;
  readonly texts: PolicyTexts;
  /** The policy file. */
  readonly configPath: string;
  readonly stateDir: string;
  /** The version that runs. */
  readonly version: string;
  /** File for set-clock requests; undefined: the box may not set this machine's clock. */
  readonly setClockRequest: string | undefined;
}

/**
 * Every route of the local API (src/api/endpoints.ts) but the event stream, which the server has itself; edits of the policy take turns
 * (policy-turns.ts). Reads and writes nothing until a request comes.
 */
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

/** Handlers for `health` and `testLed`. Neither throws: what cannot be read is null, and a second test replaces the first. */
export function boxRoutes(
  box: { status(): Status },
  health: Pick<HealthProbe, 'read'>,
  lamp: Pick<LedTest, 'start'>,
  clock: Pick<BoxClock, 'source'>,
) {
  return {
    health: async () => ({
      guard: box.status().health,
      timeSource: clock.source,
      ...(await health.read()),
    }),
    testLed: ({ body: { pattern } }) => {
      lamp.start(pattern);
      return { pattern, seconds: LED_TEST_SECONDS };
    },
  } satisfies Partial<Handlers>;
}
