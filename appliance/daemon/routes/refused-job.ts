// Turns the failure of a job in another process into an error of the API.

import { JobError } from '../../jobs/job-process.ts';
import { ApiError } from './api-server.ts';

const STATUS = { busy: 503, 'too-costly': 422, unusable: 503, failed: 503 } as const;

/**
 * For `catch`: throws an ApiError with the code of a JobError, 422 when the input was too costly and otherwise 503; any other error is
 * thrown again.
 */
export function refusedJob(error: unknown): never {
  if (!(error instanceof JobError)) throw error;
  throw new ApiError(STATUS[error.code], error.code, error.message, [], error);
}
