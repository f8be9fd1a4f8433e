/** A function of two objects whose answer is worked out once for each pair, and forgotten with the objects. */
export function once<A extends object, B extends object, R>(work: (a: A, b: B) => R): (a: A, b: B) => R {
  const all = new WeakMap<A, WeakMap<B, { readonly answer: R }>>();
  return (a, b) => {
    let known = all.get(a);
    if (known === undefined) {
      known = new WeakMap();
      all.set(a, known);
    }
    const found = known.get(b);
    if (found !== undefined) return found.answer;
    const answer = work(a, b);
    known.set(b, { answer });
    return answer;
  };
}

/** A function of one object whose answer is worked out once, and forgotten with the object. */
export function onceFor<A extends object, R>(work: (a: A) => R): (a: A) => R {
  const all = new WeakMap<A, { readonly answer: R }>();
  return (a) => {
    const found = all.get(a);
    if (found !== undefined) return found.answer;
    const answer = work(a);
    all.set(a, { answer });
    return answer;
  };
}
