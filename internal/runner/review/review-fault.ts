import { HttpError } from '../../../pkg/http/http-errors.ts';

/** The forge refused, or its answer is none. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whether the same again may go well: nothing was made of it, or it is found again. */
export function isNetworkFault(error: unknown): boolean {
  if (error instanceof ReviewError) return error.status === 429 || error.status >= 500;
  return error instanceof HttpError;
}
