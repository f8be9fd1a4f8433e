import type { Address } from '../../extract/mail/address.ts';

/** A mail to be written, all of it strings and numbers: nothing in it can name a file or a URL to read. */
export type Letter = {
  readonly from: Address;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly subject: string;
  /** Ids without brackets. */
  readonly messageId: string;
  readonly inReplyTo: string;
  readonly references: readonly string[];
  /** Epoch seconds, given by the caller. */
  readonly date: number;
  /** Lines end with LF, also the last one. */
  readonly body: string;
};

/** RFC 5322, 2.1.1: no line of a mail is longer, in octets and without its line break. */
export const MAX_LINE = 998;
/** Octets of one header field, folds and all: longer ones are refused, not cut. */
export const MAX_FIELD = 16_384;
/** Columns and lines of the body that readers of lists accept. */
export const MAX_COLUMNS = 72;
export const MAX_BODY_LINES = 64;

/** Tags and links stand on one line, whatever its length: readers and tools search for them as they are. */
export const TAG = /^(?:[A-Z][a-z]+(?:-[a-z]+)*-by|Link|Closes|Fixes|base-commit|change-id): \S/;
