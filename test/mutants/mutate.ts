import { parseSync } from 'oxc-parser';

/** One small change of one place of a source file. Lines and columns count from 1. */
export type Mutant = {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What stands there and what replaces it, shortened: names the change together with the text of its line. */
  readonly change: string;
  /** The line as it stands, without the blanks around it. */
  readonly text: string;
};

type Node = { readonly type: string; readonly start: number; readonly end: number; readonly [key: string]: unknown };
type Form = 'expression' | 'statement' | 'body';
type Alternative = { readonly id: number; readonly text: string };
type Point = {
  readonly form: Form;
  readonly start: number;
  readonly end: number;
  readonly alternatives: Alternative[];
};

const BINARY: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '&=': ['|='],
  '|=': ['&='],
  '^=': ['&='],
};
/** A call of one of these gives way to what it is called on. */
const DROPPED = new Set('filter sort toSorted reverse toReversed slice trim toLowerCase toUpperCase flat'.split(' '));
const SWAPPED = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
  ['min', 'max'],
  ['max', 'min'],
]);
/** What stands in these is no value of the program, or a name. */
const SKIPPED = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'TSTypeAliasDeclaration',
  'TSInterfaceDeclaration',
]);
const CASTS = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);
const TESTED = new Set(['IfStatement', 'ConditionalExpression', 'WhileStatement', 'DoWhileStatement', 'ForStatement']);

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;
const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 48 ? line : `${line.slice(0, 45)}…`;
};

/** Children that hold values, in the order of the source; names, keys and types are left out. */
function childrenOf(node: Node): readonly (readonly [string, Node])[] {
  const keys = Object.keys(node).filter(
    (key) =>
      !(['key', 'property'].includes(key) && node.computed !== true) &&
      !['typeAnnotation', 'returnType', 'typeArguments', 'typeParameters', 'label', 'source'].includes(key),
  );
  return keys.flatMap((key) => {
    const value = node[key];
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    return all.filter(isNode).map((child) => [key, child] as const);
  });
}

/** A text that is joined, not a sum. */
const isText = (node: unknown): boolean =>
  isNode(node) &&
  (node.type === 'TemplateLiteral' ||
    (node.type === 'Literal' && typeof node.value === 'string') ||
    (node.type === 'BinaryExpression' && (isText(node.left) || isText(node.right))));

/** What may stand in the place of a literal: the next number, the other truth, no text. Words of a sentence are not judged here. */
function ofLiteral({ value, raw, bigint }: Node): readonly string[] {
  if (typeof bigint === 'string') return [`${BigInt(bigint) + 1n}n`];
  if (typeof value === 'number') return [String(value + 1)];
  if (typeof value === 'boolean') return [String(!value)];
  return typeof value === 'string' && value !== '' && !/\s/.test(String(raw)) ? ["''"] : [];
}

/** What may stand in the place of a call: what it is called on, or the method that is its counterpart. */
function ofCall(node: Node, text: (node: Node) => string): readonly string[] {
  const { callee } = node;
  if (!isNode(callee) || callee.type !== 'MemberExpression' || callee.computed === true) return [];
  const { object, property } = callee;
  if (!isNode(object) || !isNode(property)) return [];
  const name = text(property);
  if (DROPPED.has(name)) return [text(object)];
  const other = SWAPPED.get(name);
  const rest = text(node).slice(property.end - node.start);
  return other === undefined ? [] : [`${text(object)}.${other}${rest}`];
}

/** Texts that may replace an expression, each another judgement. */
function alternativesOf(node: Node, text: (node: Node) => string): readonly string[] {
  const { left, right, argument, operator } = node;
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression': {
      if (!isNode(left) || !isNode(right) || (/^\+=?$/.test(String(operator)) && (isText(left) || isText(right))))
        return [];
      const [before, after] =
        node.type === 'AssignmentExpression' ? [text(left), text(right)] : [`(${text(left)})`, `(${text(right)})`];
      return (BINARY[String(operator)] ?? []).map((other) => `${before} ${other} ${after}`);
    }
    case 'UnaryExpression':
      return isNode(argument) && ['!', '-', '~'].includes(String(operator)) ? [text(argument)] : [];
    case 'UpdateExpression':
      return isNode(argument) ? [`${text(argument)}${operator === '++' ? '--' : '++'}`] : [];
    case 'Literal':
      return ofLiteral(node);
    case 'ArrayExpression':
      return Array.isArray(node.elements) && node.elements.length > 0 ? ['[]'] : [];
    case 'CallExpression':
      return ofCall(node, text);
    default:
      return [];
  }
}

/** The mutants of a file, in the order of its text, numbered from `first`. */
export function mutantsOf(
  file: string,
  source: string,
  first: number,
): { readonly mutants: readonly Mutant[]; readonly points: readonly Point[] } {
  const mutants: Mutant[] = [];
  const points = new Map<string, Point>();
  const text = (node: Node): string => source.slice(node.start, node.end);
  const add = (node: Node, form: Form, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    const key = `${form} ${node.start} ${node.end}`;
    const point = points.get(key) ?? { form, start: node.start, end: node.end, alternatives: [] };
    points.set(key, point);
    const before = source.slice(0, node.start);
    const [line, column] = [before.split('\n').length, node.start - before.lastIndexOf('\n')];
    for (const alternative of texts) {
      const id = first + mutants.length;
      const shown =
        form === 'expression' ? `${short(text(node))} → ${short(alternative)}` : `${short(text(node))} → nothing`;
      mutants.push({ id, file, line, column, change: shown, text: (source.split('\n')[line - 1] ?? '').trim() });
      point.alternatives.push({ id, text: alternative });
    }
  };
  const visit = (node: Node, within: { readonly chain: boolean; readonly wording: boolean }): void => {
    if (SKIPPED.has(node.type) || (node.type.startsWith('TS') && !CASTS.has(node.type))) return;
    const wording =
      within.wording ||
      node.type === 'ThrowStatement' ||
      (node.type === 'NewExpression' && /Error$/.test(isNode(node.callee) ? text(node.callee) : ''));
    const isCall = node.type === 'CallExpression';
    if (!(within.chain && isCall) && !(wording && node.type === 'Literal'))
      add(node, 'expression', alternativesOf(node, text));
    if (TESTED.has(node.type) && isNode(node.test))
      add(node.test, 'expression', /^(?:While|DoWhile|For)/.test(node.type) ? ['false'] : ['true', 'false']);
    if (
      node.type === 'ExpressionStatement' &&
      isNode(node.expression) &&
      typeof node.directive !== 'string' &&
      !text(node).startsWith('super')
    )
      add(node, 'statement', ['']);
    const { body } = node;
    if (/Function/.test(node.type) && isNode(body)) {
      if (body.type !== 'BlockStatement') add(body, 'expression', ['undefined']);
      else if (Array.isArray(body.body) && body.body.length > 0) add(body, 'body', ['']);
    }
    for (const [key, child] of childrenOf(node)) {
      const onSpine =
        node.type === 'ChainExpression' || (within.chain && ['callee', 'object', 'expression'].includes(key));
      visit(child, { chain: onSpine, wording });
    }
  };
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`);
  visit(program as unknown as Node, { chain: false, wording: false });
  return { mutants, points: [...points.values()].sort((a, b) => a.start - b.start || b.end - a.end) };
}

/**
 * The source with the mutants that are `chosen` in it, each behind a question to `__mutant`: one text holds them all, and one
 * of them at a time is awake.
 */
export function instrument(source: string, points: readonly Point[], chosen: (id: number) => boolean): string {
  const kept = points
    .map((point) => ({ ...point, alternatives: point.alternatives.filter(({ id }) => chosen(id)) }))
    .filter(({ alternatives }) => alternatives.length > 0);
  let next = 0;
  const render = (start: number, end: number): string => {
    let [out, at] = ['', start];
    for (let point = kept[next]; point !== undefined && point.start < end; point = kept[next]) {
      next += 1;
      out += source.slice(at, point.start) + wrap(point, render(point.start, point.end));
      at = point.end;
    }
    return out + source.slice(at, end);
  };
  return render(0, source.length);
}

function wrap({ form, alternatives }: Point, inner: string): string {
  const asked = alternatives.map(({ id }) => `__mutant(${id})`).join(' || ');
  if (form === 'statement') return `if (${asked}) {} else { ${inner} }`;
  if (form === 'body') return `{ if (${asked}) return; ${inner.slice(1)}`;
  return `(${alternatives.map(({ id, text }) => `__mutant(${id}) ? (${text}) : `).join('')}(${inner}))`;
}
