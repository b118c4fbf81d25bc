import { agentTaskErrors } from './agent-task-errors.ts';
import { containerErrors } from './container-errors.ts';

/**
 * Every error that keruta raises on purpose: one row per code. Codes are promises: never reused, never renamed
 * without a warning period. `docs/reference/errors.md` is generated from this table.
 *
 * `kind` decides class, exit status and HTTP status; `http` overrides the latter.
 */
export const errorTable = {
  // input: exit 2, HTTP 400
  KERUTA_ERR_USAGE: { kind: 'input', doc: 'The command line does not have the form that the command takes.' },
  KERUTA_ERR_BAD_VALUE: { kind: 'input', doc: 'A value is not of the type, unit or range that is expected.' },
  KERUTA_ERR_BAD_BODY: { kind: 'input', doc: 'The body of a request is not what the route takes.' },
  KERUTA_ERR_BODY_TOO_LARGE: { kind: 'input', http: 413, doc: 'The body of a request is over the limit.' },
  KERUTA_ERR_HEADERS_TOO_LARGE: {
    kind: 'input',
    http: 431,
    doc: 'The headers of a request are over 16 KiB.',
  },
  KERUTA_ERR_URL_TOO_LONG: { kind: 'input', http: 414, doc: 'The address of a request is over 8 KiB.' },
  KERUTA_ERR_UNSUPPORTED_MEDIA: {
    kind: 'input',
    http: 415,
    doc: 'The content type is not one that the route takes.',
  },
  KERUTA_ERR_BAD_STATUS: { kind: 'input', doc: 'The status is not one of the known names.' },
  KERUTA_ERR_BAD_LEVEL: { kind: 'input', doc: 'The log level is not one of the known names.' },
  KERUTA_ERR_SCRIPT_EMPTY: { kind: 'input', doc: 'A task has no script to run.' },
  KERUTA_ERR_SCRIPT_TOO_LARGE: { kind: 'input', http: 413, doc: 'The script is over 1 MiB.' },
  KERUTA_ERR_CONFIG: {
    kind: 'input',
    doc: 'A configuration file or variable holds something that is not a setting.',
  },
  KERUTA_ERR_CONFIG_MISSING: { kind: 'input', doc: 'A setting that the command needs is set nowhere.' },
  KERUTA_ERR_REPOSITORY_REFUSED: {
    kind: 'input',
    doc: 'A repository URL or ref is of a kind that is never handed to git.',
  },
  KERUTA_ERR_ARTIFACT_TOO_LARGE: { kind: 'input', http: 413, doc: 'An artifact is over the size limit.' },
  KERUTA_ERR_ARTIFACT_REFUSED: {
    kind: 'input',
    doc: 'A file cannot be an artifact: not regular, a link, outside, or private.',
  },
  KERUTA_ERR_ARTIFACT_DIGEST: {
    kind: 'input',
    doc: 'The bytes of an artifact do not have the size or digest that was declared.',
  },
  KERUTA_ERR_CONFIRMATION_MISMATCH: {
    kind: 'input',
    http: 422,
    doc: 'A confirmation is none of this trigger, this token and these parameters.',
  },
  KERUTA_ERR_LIBRARY_FILE: {
    kind: 'input',
    doc: 'A file that uses the library cannot be run, or not be deployed.',
  },
  KERUTA_ERR_WORKFLOW: { kind: 'input', doc: 'The definition of a workflow has faults; each is named.' },
  KERUTA_ERR_PLAYBOOK: {
    kind: 'input',
    doc: 'A playbook has faults; each is named with file, line and field.',
  },
  KERUTA_ERR_TASK_CONTEXT: { kind: 'input', doc: 'What an agent task is to do has faults; each is named.' },
  KERUTA_ERR_POLICY_SHAPE: { kind: 'input', doc: 'A policy has faults; each is named.' },
  KERUTA_ERR_APPROVAL_CHANGED: {
    kind: 'input',
    http: 422,
    doc: 'What was to be approved has changed since it was asked for.',
  },
  KERUTA_ERR_CRON: { kind: 'input', doc: 'A cron expression cannot be read, or never falls due.' },
  KERUTA_ERR_TIME_ZONE: { kind: 'input', doc: 'A time zone is not a name of the IANA database.' },
  // denied: exit 3, HTTP 401 or 403
  KERUTA_ERR_UNAUTHENTICATED: {
    kind: 'denied',
    http: 401,
    doc: 'No token, or one that is unknown, expired or revoked.',
  },
  KERUTA_ERR_FORBIDDEN: {
    kind: 'denied',
    http: 403,
    doc: 'The token is known, but its scope does not cover this.',
  },
  KERUTA_ERR_TLS_REQUIRED: {
    kind: 'denied',
    http: 403,
    doc: 'The address of the API is not https, and only https was allowed.',
  },
  KERUTA_ERR_POLICY: { kind: 'denied', http: 403, doc: 'A policy refuses this.' },
  // not found: exit 4, HTTP 404
  KERUTA_ERR_NOT_FOUND: { kind: 'not-found', doc: 'There is nothing at this address.' },
  KERUTA_ERR_SESSION_NOT_FOUND: {
    kind: 'not-found',
    doc: 'The session does not exist, or is not visible to the token.',
  },
  KERUTA_ERR_TASK_NOT_FOUND: {
    kind: 'not-found',
    doc: 'The task does not exist, or is not visible to the token.',
  },
  KERUTA_ERR_ATTEMPT_NOT_FOUND: { kind: 'not-found', doc: 'The task has no such attempt.' },
  KERUTA_ERR_ARTIFACT_NOT_FOUND: { kind: 'not-found', doc: 'The task has no such artifact.' },
  KERUTA_ERR_FUNCTION_NOT_FOUND: {
    kind: 'not-found',
    doc: 'A file that uses the library has no such function.',
  },
  KERUTA_ERR_LEDGER_ENTRY_NOT_FOUND: {
    kind: 'not-found',
    doc: 'The ledger has no such entry, execution or task; what is older than its retention is gone.',
  },
  KERUTA_ERR_TRIGGER_HELD: {
    kind: 'conflict',
    doc: 'The trigger stays held: its workflow, its session or everything is held too.',
  },
  KERUTA_ERR_WORKFLOW_NOT_FOUND: { kind: 'not-found', doc: 'There is no such workflow.' },
  KERUTA_ERR_EVENT_NOT_FOUND: {
    kind: 'not-found',
    doc: 'The task was not fired by a trigger, or there is no such event.',
  },
  KERUTA_ERR_CONFIRMATION_EXPIRED: {
    kind: 'not-found',
    http: 410,
    doc: 'A confirmation was not used within its ten minutes.',
  },
  KERUTA_ERR_APPROVAL_NOT_FOUND: { kind: 'not-found', doc: 'There is no such question to approve.' },
  KERUTA_ERR_APPROVAL_EXPIRED: {
    kind: 'not-found',
    http: 410,
    doc: 'An approval was asked for, and nobody answered in time.',
  },
  KERUTA_ERR_CHANNEL_NOT_FOUND: {
    kind: 'not-found',
    doc: 'The server has no such channel of notifications.',
  },
  KERUTA_ERR_TRIGGER_NOT_FOUND: { kind: 'not-found', doc: 'There is no such trigger.' },
  KERUTA_ERR_TOKEN_NOT_FOUND: { kind: 'not-found', doc: 'There is no such token.' },
  KERUTA_ERR_DOCUMENT_NOT_FOUND: { kind: 'not-found', doc: 'There is no such document.' },
  KERUTA_ERR_REPOSITORY_NOT_FOUND: { kind: 'not-found', doc: 'There is no such repository.' },
  KERUTA_ERR_PLAYBOOK_NOT_FOUND: { kind: 'not-found', doc: 'No playbook has this name.' },
  KERUTA_ERR_SKILL_NOT_FOUND: { kind: 'not-found', doc: 'No skill has this name.' },
  KERUTA_ERR_FILE_NOT_FOUND: { kind: 'not-found', doc: 'A file that was named does not exist.' },
  KERUTA_ERR_METHOD: { kind: 'not-found', http: 405, doc: 'The address exists, but not with this method.' },
  // conflict: exit 5, HTTP 409
  KERUTA_ERR_SESSION_NAME_TAKEN: { kind: 'conflict', doc: 'Another session has this name.' },
  KERUTA_ERR_WORKFLOW_NAME_TAKEN: { kind: 'conflict', doc: 'Another workflow has this name.' },
  KERUTA_ERR_CONFIRMATION_USED: { kind: 'conflict', doc: 'A confirmation was used already; it counts once.' },
  KERUTA_ERR_APPROVAL_DECIDED: { kind: 'conflict', doc: 'An approval was given or refused already.' },
  KERUTA_ERR_NO_FALLBACK: {
    kind: 'conflict',
    doc: 'The workflow has no fallback, so there is nothing to weigh or compare.',
  },
  KERUTA_ERR_WORKFLOW_OWNED: { kind: 'conflict', doc: 'The workflow was made by another file, or by hand.' },
  KERUTA_ERR_SESSION_CLOSED: { kind: 'conflict', doc: 'The session has ended and takes no more tasks.' },
  KERUTA_ERR_TASK_ENDED: { kind: 'conflict', doc: 'The task has ended; its status no longer changes.' },
  KERUTA_ERR_TRANSITION: { kind: 'conflict', doc: 'A task cannot go from its status to the one asked for.' },
  KERUTA_ERR_ATTEMPT_SUPERSEDED: {
    kind: 'conflict',
    doc: 'Another attempt, or an end, has replaced this one; its writes are refused.',
  },
  KERUTA_ERR_ATTEMPT_UNFINISHED: {
    kind: 'conflict',
    doc: 'The report came before all bytes and messages of the attempt.',
  },
  KERUTA_ERR_OFFSET_MISMATCH: {
    kind: 'conflict',
    doc: 'The bytes do not begin where the server has its end; the answer says where.',
  },
  KERUTA_ERR_NOT_WAITING: { kind: 'conflict', doc: 'The task is not waiting for this input.' },
  KERUTA_ERR_IDEMPOTENCY: {
    kind: 'conflict',
    doc: 'The idempotency key was used before: for something else, or for a token, whose text is told once.',
  },
  KERUTA_ERR_AGENT_RUNNING: { kind: 'conflict', doc: 'Another agent holds this base directory.' },
  KERUTA_ERR_SERVER_RUNNING: { kind: 'conflict', doc: 'Another server holds this data directory.' },
  KERUTA_ERR_PORT_TAKEN: { kind: 'conflict', doc: 'The port that was asked for is in use.' },
  KERUTA_ERR_DIRECTORY: {
    kind: 'conflict',
    doc: 'A directory is not what it must be: owner, mode, kind, or content.',
  },
  KERUTA_ERR_SCHEMA_NEWER: {
    kind: 'conflict',
    doc: 'The store was written by a newer keruta and is left alone.',
  },
  KERUTA_ERR_SCHEMA_OLDER: {
    kind: 'conflict',
    doc: 'The store lacks steps of its schema, and the server is set not to do them; `keruta db migrate` does.',
  },
  KERUTA_ERR_STORE_NOT_EMPTY: {
    kind: 'conflict',
    doc: 'The database that everything is to be copied to holds something already; it is left alone.',
  },
  KERUTA_ERR_STORE_DAMAGED: {
    kind: 'conflict',
    doc: 'The store cannot be read; it is never recreated silently.',
  },
  KERUTA_ERR_PLAYBOOK_CHANGED: {
    kind: 'conflict',
    doc: 'A run of a playbook cannot go on, because its steps are others now.',
  },
  KERUTA_ERR_PLAYBOOK_RUNNING: { kind: 'conflict', doc: 'Another process runs this run of a playbook.' },
  KERUTA_ERR_ASK_TIMEOUT: {
    kind: 'conflict',
    exit: 7,
    doc: 'Nobody answered within the time, and there is no default answer.',
  },
  // unavailable: exit 6, HTTP 503; safe to repeat
  KERUTA_ERR_API_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'The API cannot be reached, or did not answer in time.',
  },
  KERUTA_ERR_API_ANSWER: {
    kind: 'unavailable',
    http: 502,
    doc: 'Something answered at the address of the API, but not the API.',
  },
  KERUTA_ERR_STORE_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'The database cannot be reached, or does not take writes.',
  },
  KERUTA_ERR_DISK_FULL: {
    kind: 'unavailable',
    http: 507,
    doc: 'There is no space left to keep what was sent.',
  },
  KERUTA_ERR_GITHUB_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'GitHub cannot be asked now, or not so often.',
  },
  KERUTA_ERR_UNHEALTHY: { kind: 'unavailable', doc: 'A health check found something wrong.' },
  KERUTA_ERR_AGENT_ENDED: {
    kind: 'unavailable',
    doc: 'The agent in the background ended, or does not stop.',
  },
  KERUTA_ERR_RATE_LIMITED: {
    kind: 'unavailable',
    http: 429,
    doc: 'Too much at once; the answer names the limit, and Retry-After says when to come again.',
  },
  KERUTA_ERR_GOVERNANCE_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'What a policy counts could not be read, so nothing was run; it is tried again.',
  },
  KERUTA_ERR_QUEUE_FULL: {
    kind: 'unavailable',
    doc: 'So many tasks wait already that an event is not taken; nothing of it was kept, it may be sent again.',
  },
  KERUTA_ERR_REQUEST_TIMEOUT: {
    kind: 'unavailable',
    http: 408,
    doc: 'A request, or its body, did not arrive in time.',
  },
  KERUTA_ERR_DEADLINE: { kind: 'unavailable', doc: 'The server did not get it done in time.' },
  KERUTA_ERR_STOPPING: { kind: 'unavailable', doc: 'The server is stopping.' },
  KERUTA_ERR_REPOSITORY_UNREACHABLE: {
    kind: 'unavailable',
    doc: 'The repository cannot be reached in time.',
  },
  KERUTA_ERR_REPOSITORY_AUTH: {
    kind: 'denied',
    http: 403,
    doc: 'The repository asks for credentials that are not there.',
  },
  KERUTA_ERR_REF_NOT_FOUND: { kind: 'not-found', doc: 'The repository does not have the ref.' },
  KERUTA_ERR_GIT: { kind: 'unavailable', doc: 'git failed in another way; the message quotes it.' },
  KERUTA_ERR_SLOT_NOT_FOUND: { kind: 'not-found', doc: 'The repository pool has no slot of that name.' },
  KERUTA_ERR_SLOT_IN_USE: {
    kind: 'conflict',
    doc: 'Somebody else has the slot, or it is not leased any more.',
  },
  KERUTA_ERR_POOL_FULL: {
    kind: 'unavailable',
    doc: 'Every slot of the repository is in use, and there may be no more of them.',
  },
  KERUTA_ERR_INTERPRETER_MISSING: {
    kind: 'input',
    doc: 'The interpreter that a script names is not installed.',
  },
  ...containerErrors,
  ...agentTaskErrors,
} as const satisfies Record<string, ErrorRow>;

/** What sort of fault a code is. */
export type ErrorKind = 'input' | 'denied' | 'not-found' | 'conflict' | 'unavailable';

/** One row of the table. */
export interface ErrorRow {
  readonly kind: ErrorKind;
  /** HTTP status when it is not the kind's own (400, 403, 404, 409, 503). */
  readonly http?: number;
  /** Exit status when it is not the kind's own (2, 3, 4, 5, 6). */
  readonly exit?: number;
  /** One sentence for the reference page. */
  readonly doc: string;
}

/** A code of the table. */
export type ErrorCode = keyof typeof errorTable;

/** The codes of one kind. */
export type CodeOf<K extends ErrorKind> = {
  [C in ErrorCode]: (typeof errorTable)[C]['kind'] extends K ? C : never;
}[ErrorCode];
