import { EXIT, KnownError } from '../../model/errors.ts';

/**
 * Why the forge did not do what was asked. `uncertain`: nobody knows whether a write happened; `limited`: the run would have to
 * wait longer than it may; `unavailable`: no answer after all attempts; `denied`: the token may not; `missing`: not there;
 * `gone`: deleted or moved away by somebody; `rejected`: the forge does not take this content.
 */
export type ForgeProblem = 'uncertain' | 'limited' | 'unavailable' | 'denied' | 'missing' | 'gone' | 'rejected';

const STATUS: Readonly<Record<ForgeProblem, number>> = {
  uncertain: EXIT.incomplete,
  limited: EXIT.unavailable,
  unavailable: EXIT.unavailable,
  denied: EXIT.unavailable,
  missing: EXIT.noInput,
  gone: EXIT.noInput,
  rejected: EXIT.data,
};

/** An answer of the forge, or its absence, as one line for people. */
export class ForgeError extends KnownError {
  readonly problem: ForgeProblem;
  constructor(problem: ForgeProblem, message: string, options?: ErrorOptions) {
    super(STATUS[problem], message, options);
    this.problem = problem;
  }
}

/** Whether an error says just this. */
export const isProblem = (error: unknown, ...problems: readonly ForgeProblem[]): error is ForgeError =>
  error instanceof ForgeError && problems.includes(error.problem);
