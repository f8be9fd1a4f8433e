import type { Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** How a file of specifications is laid out, so that a change of one fact is a change of one line. */
export type Layout = {
  /** What stands above, without its mark. */
  readonly comment: string;
  /** Keys whose map, or whose list's items, stand on lines of their own. */
  readonly blocks?: readonly string[];
  /** Keys of the document whose list stands on one line. */
  readonly lines?: readonly string[];
  /** Keys of such items whose list has a row for each entry. */
  readonly rows?: readonly string[];
  /** Keys whose text is one of a few words and has no quotes; all other texts have them: a version 2.0 would be a number. */
  readonly words?: readonly string[];
};

const WORD = /^[a-z][a-z0-9-]*$/;

/** A plain value as a YAML document: the same value, the same bytes. Rows and maps that no layout names stand on one line. */
export async function yamlText(
  plain: object,
  { comment, blocks = [], lines = [], rows = [], words = [] }: Layout,
): Promise<string> {
  const { Document, isMap, isScalar, isSeq, visit } = await import('yaml');
  const document = new Document(plain);
  const pairs = (node: unknown): readonly Pair<Scalar<string>, Node>[] =>
    isMap(node) ? (node as YAMLMap<Scalar<string>, Node>).items : [];
  const list = (node: YAMLSeq, key: string): void => {
    for (const item of node.items) {
      if (!isMap(item)) continue;
      item.flow = !blocks.includes(key);
      for (const { key: inner, value } of pairs(item))
        if (isSeq(value) && rows.includes(inner.value)) list(value, inner.value);
        else if (isSeq(value) || isMap(value)) value.flow = true;
    }
  };
  for (const { key, value } of pairs(document.contents)) {
    if (isSeq(value) && !lines.includes(key.value)) list(value, key.value);
    else if (isSeq(value) || (isMap(value) && !blocks.includes(key.value))) value.flow = true;
  }
  visit(document, {
    Pair: (_, { key, value }) => {
      if (isScalar(key) && isScalar(value) && words.includes(String(key.value)) && WORD.test(String(value.value)))
        value.type = 'PLAIN';
    },
  });
  const text = document.toString({
    lineWidth: 0,
    flowCollectionPadding: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    doubleQuotedAsJSON: true,
  });
  return `# ${comment}\n${text}`;
}
