import { call, expandName, isList, withList } from './call.ts';
import { initialise } from './initial.ts';
import { blockOf } from './statement.ts';
import type { Interpreter } from './world.ts';

/** The parts of the machine, which follow each other as C's grammar does. */
export const INTERPRETER: Interpreter = { call, expandName, isList, withList, initialise, blockOf };
