/** The program could not be started at all. */
export class ProcessStartError extends Error {
  /** system code such as `ENOENT` (no such program, or no such directory) */
  readonly code: string;

  constructor(command: string, code: string, cause: unknown) {
    super(`cannot start ${command}: ${code}`, { cause });
    this.name = 'ProcessStartError';
    this.code = code;
  }
}
