import { type Row, scanMail } from '../extract/mail/row.ts';
import type { BatchObject } from './batch.ts';

/** A scanned mail and where its bytes stand: a blob id, `offset+length` in an mbox, or a file name in a maildir. */
export type Located = Row & { readonly location: string };

/** One line of text per mail: location, key, whether it names TDX, links. */
export function rowLine(location: string, { key, names, links }: Row): string {
  return `${location} ${key} ${names ? 1 : 0} ${links.join(',')}`;
}

export function readRowLine(line: string): Located {
  const [location = '', key = '', names = '', links = ''] = line.split(' ');
  return { location, key, names: names === '1', links: links === '' ? [] : links.split(',') };
}

/** The line that a worker says of an object: a row, or `! name reason` for one that could not be read. */
export function objectLine(object: BatchObject): string {
  if (object.kind === 'missing') return `! ${object.name} missing`;
  if (object.kind === 'large') return `! ${object.name} large ${object.size}`;
  return rowLine(object.name, scanMail(object.bytes));
}
