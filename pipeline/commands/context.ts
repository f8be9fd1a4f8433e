import type { Context as CaseContext } from '../cases/context.ts';
import type { Timing } from '../deliver/github/client.ts';

/** What a run gets from outside: arguments come apart, everything else comes here. */
export type Surroundings = Pick<CaseContext, 'env' | 'today' | 'home'> & {
  readonly stdout: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  readonly stderr: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  /** The time in epoch seconds, for the Date of a reply; where there is none, the caller has to name one. */
  readonly now?: () => number;
  /** How a run waits for a forge; the program's own waits where it is not given. */
  readonly timing?: Timing;
};

/** Options that every command takes. */
export type Common = CaseContext['options'] & {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** `FORMAT=PATH`, each. */
  readonly out: readonly string[];
};

export type Context = CaseContext & Surroundings & { readonly options: Common };
