/** Disjoint sets of numbers 0 to n-1, for joining mails to threads. */
type Union = {
  /** A new element in a set of its own. */
  readonly add: () => number;
  readonly find: (element: number) => number;
  readonly join: (a: number, b: number) => void;
};

function makeUnion(): Union {
  const parent: number[] = [];
  const find = (element: number): number => {
    let root = element;
    while (parent[root] !== root) root = parent[root] as number;
    // Paths are shortened, or a long chain of answers would cost its square.
    for (let at = element; parent[at] !== root; ) {
      const next = parent[at] as number;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  return {
    add: () => parent.push(parent.length) - 1,
    find,
    join: (a, b) => {
      const [one, other] = [find(a), find(b)];
      parent[Math.max(one, other)] = Math.min(one, other);
    },
  };
}

/** The sets of keys that `links` join: an index of the set per item, numbered by the first item of each. */
export function groupLinked(
  items: Iterable<{ readonly key: string; readonly links: readonly string[] }>,
): readonly number[] {
  const union = makeUnion();
  const elements = new Map<string, number>();
  const elementOf = (key: string): number => {
    let element = elements.get(key);
    if (element === undefined) {
      element = union.add();
      elements.set(key, element);
    }
    return element;
  };
  const own: number[] = [];
  for (const { key, links } of items) {
    const element = elementOf(key);
    own.push(element);
    for (const link of links) union.join(element, elementOf(link));
  }
  const numbers = new Map<number, number>();
  return own.map((element) => {
    const root = union.find(element);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}
