/** A function of two objects whose answer is worked out once for each pair, and forgotten with the objects. */
export function once<A extends object, B extends object, R>(work: (a: A, b: B) => R): (a: A, b: B) => R {
  const all = new WeakMap<A, WeakMap<B, { readonly answer: R }>>();
  return (a, b) => {
    const known = all.get(a) ?? new WeakMap<B, { readonly answer: R }>();
    all.set(a, known);
    const found = known.get(b) ?? { answer: work(a, b) };
    known.set(b, found);
    return found.answer;
  };
}
