// Knows: what a job that was not done means for who asked for it. Must not know: any job.

import { JobError } from '../../jobs/job-process.ts';
import { ApiError } from './api-server.ts';

const STATUS = { busy: 503, 'too-costly': 422, unusable: 503, failed: 503 } as const;

/** For `catch`: throws the ApiError that says it; anything else is thrown on. */
export function refusedJob(error: unknown): never {
  if (!(error instanceof JobError)) throw error;
  throw new ApiError(STATUS[error.code], error.code, error.message, [], error);
}
