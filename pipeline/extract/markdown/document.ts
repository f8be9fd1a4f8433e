import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { DataError } from '../../model/errors.ts';

/** A link of a cell: its text and where it points. Never followed and never markup. */
export type Link = { readonly text: string; readonly url: string };

/** A table cell: its plain text (marks, code quotes and escapes removed), its links, and its 1-based place. */
export type Cell = {
  readonly text: string;
  readonly links: readonly Link[];
  readonly line: number;
  readonly column: number;
};

export type Row = { readonly cells: readonly Cell[]; readonly line: number };

/** A pipe table with the headings that it stands under, outermost first. */
export type Table = {
  readonly headings: readonly string[];
  readonly line: number;
  readonly header: readonly Cell[];
  readonly rows: readonly Row[];
};

/** What a Markdown file holds for a reader of tables. */
export type Document = {
  readonly tables: readonly Table[];
  /** Lines of paragraphs that begin with a pipe: rows that a blank line or a missing delimiter row cut off. */
  readonly strayRows: readonly number[];
};

/** What is refused: Markdown parsers take quadratic time on floods of markers, and overflow the stack on nesting. */
const MAX_LENGTH = 1 << 18;
const MAX_BRACKETS = 8_000;
const MAX_EMPHASIS = 20_000;
const MAX_NESTING = 100;
const MARKER = /[ \t]+|>|(?:[*+-]|\d{1,9}[.)])[ \t]|\[\^[^\]\n]{0,999}\]:/g;

const processor = unified().use(remarkParse).use(remarkGfm);
type Root = ReturnType<typeof processor.parse>;
type Node =
  | Root
  | Root['children'][number]
  | Extract<Root['children'][number], { children: unknown }>['children'][number];

function refuse(file: string, found: string, line?: number): never {
  const where = line === undefined ? { file } : { file, line };
  throw new DataError({ where, expected: 'Markdown of a sensible size and nesting', found });
}

/** Whether so many markers of blocks follow each other in a line, blanks between them or not. */
function isNested(line: string): boolean {
  let [count, end] = [0, 0];
  for (const { 0: mark, index } of line.matchAll(MARKER)) {
    if (index !== end) count = 0;
    end = index + mark.length;
    if (mark.trim() !== '') count += 1;
    if (count === MAX_NESTING) return true;
  }
  return false;
}

function refuseHostile(file: string, text: string): void {
  if (text.length > MAX_LENGTH) refuse(file, `${text.length} characters`);
  const count = (marks: RegExp): number => text.match(marks)?.length ?? 0;
  const brackets = count(/[[\]]/g);
  if (brackets > MAX_BRACKETS) refuse(file, `${brackets} brackets`);
  const emphasis = count(/[*_]/g);
  if (emphasis > MAX_EMPHASIS) refuse(file, `${emphasis} emphasis marks`);
  const nested = text.split('\n').findIndex(isNested);
  if (nested >= 0) refuse(file, `more than ${MAX_NESTING} markers in a row`, nested + 1);
}

/** The text that a reader sees; HTML is dropped, a line break is a space. */
function plainText(node: Node): string {
  if (node.type === 'html') return /^<br\b/i.test(node.value) ? ' ' : '';
  if (node.type === 'break') return ' ';
  if ('value' in node) return node.value;
  if ('alt' in node) return node.alt ?? '';
  return 'children' in node ? node.children.map(plainText).join('') : '';
}

const normalise = (text: string): string => text.replace(/\s+/g, ' ').trim();

function linksOf(node: Node): readonly Link[] {
  if (node.type === 'link') return [{ text: normalise(plainText(node)), url: node.url }];
  return 'children' in node ? node.children.flatMap(linksOf) : [];
}

const lineOf = (node: Node): number => node.position?.start.line ?? 1;

function toCell(node: Node): Cell {
  return {
    text: normalise(plainText(node)),
    links: linksOf(node),
    line: lineOf(node),
    column: node.position?.start.column ?? 1,
  };
}

function toTable(node: Extract<Node, { type: 'table' }>, headings: readonly string[]): Table {
  const rows = node.children.map((row) => ({ cells: row.children.map(toCell), line: lineOf(row) }));
  return { headings, line: lineOf(node), header: rows[0]?.cells ?? [], rows: rows.slice(1) };
}

/**
 * All pipe tables of a Markdown text, in order, also those inside lists and quotes.
 * Throws a DataError only for a text too long or too deeply nested to read; any other text is Markdown.
 */
export function readDocument(file: string, text: string): Document {
  refuseHostile(file, text);
  try {
    return collect(processor.parse(text));
  } catch (error) {
    if (error instanceof RangeError) refuse(file, 'markers nested too deeply');
    throw error;
  }
}

function collect(root: Root): Document {
  const path: { depth: number; text: string }[] = [];
  const tables: Table[] = [];
  const strayRows: number[] = [];
  const visit = (node: Node): void => {
    if (node.type === 'heading') {
      while (path.length > 0 && (path.at(-1)?.depth ?? 0) >= node.depth) path.pop();
      path.push({ depth: node.depth, text: normalise(plainText(node)) });
    } else if (node.type === 'table') {
      tables.push(
        toTable(
          node,
          path.map((heading) => heading.text),
        ),
      );
    } else if (node.type === 'paragraph') {
      if (plainText(node).trimStart().startsWith('|')) strayRows.push(lineOf(node));
    } else if ('children' in node) {
      for (const child of node.children) visit(child);
    }
  };
  visit(root);
  return { tables, strayRows };
}
