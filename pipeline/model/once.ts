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

/** A function of one object whose answer is worked out once, and forgotten with the object. */
export function onceFor<A extends object, R>(work: (a: A) => R): (a: A) => R {
  const all = new WeakMap<A, { readonly answer: R }>();
  return (a) => {
    const found = all.get(a) ?? { answer: work(a) };
    all.set(a, found);
    return found.answer;
  };
}
