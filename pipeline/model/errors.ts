/**
 * The errors that users cause or meet, each with the exit status of its kind. Anything else that is thrown is a bug (70).
 * Statuses follow sysexits.h; 75 is "incomplete", 100 is a verdict and never an error, 141 is a reader that left.
 */
export const EXIT = {
  clean: 0,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  bug: 70,
  cannotCreate: 73,
  io: 74,
  incomplete: 75,
  findings: 100,
  closedPipe: 141,
} as const;

/** Where in an input something is: a path or name, and a 1-based line and column or a path inside a document. */
export type Location = {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** A path inside a structured document, such as `lookup[3].leaf`. */
  readonly at?: string;
};

/** `file:line:column` or `file: path`, as far as it is known. */
function formatLocation(location: Location): string {
  const line = location.line === undefined ? '' : `:${location.line}`;
  const column = location.line === undefined || location.column === undefined ? '' : `:${location.column}`;
  const at = location.at === undefined ? '' : `: ${location.at}`;
  return `${location.file}${line}${column}${at}`;
}

/** What an error of bad data says: where, what was expected, what was found, what to do. */
export type DataProblem = {
  readonly where: Location;
  readonly expected: string;
  readonly found: string;
  readonly hint?: string;
};

/** The base of all known errors: one line for people, and the exit status. */
export class KnownError extends Error {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.status = status;
  }
}

/** A source that cannot be what it claims to be (65). */
export class DataError extends KnownError {
  readonly problem: DataProblem;
  constructor(problem: DataProblem, options?: ErrorOptions) {
    const hint = problem.hint === undefined ? '' : `; ${problem.hint}`;
    super(
      EXIT.data,
      `${formatLocation(problem.where)}: expected ${problem.expected}, found ${problem.found}${hint}`,
      options,
    );
    this.problem = problem;
  }
}

/** The command line asks for something that does not exist (64). */
export class UsageError extends KnownError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.usage, message, options);
  }
}

/** A file, revision, release or policy that is not there (66). */
export class NoInputError extends KnownError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.noInput, message, options);
  }
}

/** A source that could not be reached (69): "could not fetch" is never "nothing new". */
export class UnavailableError extends KnownError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.unavailable, message, options);
  }
}

/** An output that cannot be created: no right, no such folder, a name of another kind (73). Nothing was changed. */
export class CannotCreateError extends KnownError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.cannotCreate, message, options);
  }
}

/** The machine failed while it read or wrote: a full or broken disk, no free handle (74). */
export class IoError extends KnownError {
  constructor(message: string, options?: ErrorOptions, status: number = EXIT.io) {
    super(status, message, options);
  }
}

/** Whoever read the output has gone, as `| head -1` does: no fault, and nobody is there to be told (141, as a shell names SIGPIPE). */
export class ClosedPipeError extends IoError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options, EXIT.closedPipe);
  }
}
