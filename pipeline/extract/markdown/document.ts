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

/** Longer texts and deeper lines are refused: Markdown parsers take quadratic time on hostile nesting. */
const MAX_LENGTH = 1 << 20;
const MAX_NESTING = 100;
const NESTING = new RegExp(`(?:[ \\t]*(?:[>*+-]|\\d{1,9}[.)])){${MAX_NESTING}}|[[!*_~<\`]{${MAX_NESTING}}`, 'm');

const processor = unified().use(remarkParse).use(remarkGfm);
type Root = ReturnType<typeof processor.parse>;
type Node =
  | Root
  | Root['children'][number]
  | Extract<Root['children'][number], { children: unknown }>['children'][number];

function refuseHostile(file: string, text: string): void {
  if (text.length > MAX_LENGTH) {
    throw new DataError({
      where: { file },
      expected: `a Markdown file of at most ${MAX_LENGTH} characters`,
      found: `${text.length}`,
    });
  }
  const nested = NESTING.exec(text);
  if (nested === null) return;
  const line = text.slice(0, nested.index).split('\n').length;
  throw new DataError({ where: { file, line }, expected: 'readable Markdown', found: 'markers nested too deeply' });
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
  visit(processor.parse(text));
  return { tables, strayRows };
}
