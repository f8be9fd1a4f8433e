import type { Mail } from './mail.ts';
import { groupLinked } from './union.ts';

/** What threading needs of a mail. */
export type Threadable = Pick<Mail, 'id' | 'content' | 'links' | 'date'>;

/** A place in a thread. Without mails it is a ghost: others answer it, and it is not at hand. */
export type ThreadNode<M> = {
  readonly id: string;
  /** Several where a Message-ID was used again with other content. */
  readonly mails: readonly M[];
  readonly children: readonly ThreadNode<M>[];
};

/** All mails that answers join. Several roots where an answer names mails of two trees. */
export type Thread<M> = {
  readonly roots: readonly ThreadNode<M>[];
  /** In the order of their dates; unknown dates last. */
  readonly mails: readonly M[];
};

type Container<M> = {
  id: string;
  mails: M[];
  parent: Container<M> | null;
  children: Container<M>[];
  /** It is, or was, the parent of another. */
  isAnswered: boolean;
};

/** A mail without an id answers and is answered by nobody; its content stands in for the id. */
export const threadKey = (mail: Pick<Mail, 'id' | 'content'>): string =>
  mail.id === '' ? `\0${mail.content}` : mail.id;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compareMails(a: Threadable, b: Threadable): number {
  const dates = (a.date ?? Number.MAX_SAFE_INTEGER) - (b.date ?? Number.MAX_SAFE_INTEGER);
  return dates || compareText(threadKey(a), threadKey(b)) || compareText(a.content, b.content);
}

/** Answers to answers: what is deeper and would be moved is taken for a loop, or a forged archive would cost its square. */
const MAX_CLIMB = 10_000;

/** Whether making `parent` the parent of `child` would close a loop. */
function closesLoop<M>(parent: Container<M>, child: Container<M>): boolean {
  if (parent === child) return true;
  if (!child.isAnswered) return false;
  let left = MAX_CLIMB;
  for (let at: Container<M> | null = parent; at !== null; at = at.parent) {
    if (at === child || left === 0) return true;
    left -= 1;
  }
  return false;
}

function setParent<M>(parent: Container<M>, child: Container<M>): void {
  child.parent = parent;
  parent.isAnswered = true;
}

function link<M>(parent: Container<M>, child: Container<M>): void {
  if (child.parent === null && !closesLoop(parent, child)) setParent(parent, child);
}

/** Puts a mail under its last link, whatever a guess from another mail's references said before. */
function place<M>(parent: Container<M>, child: Container<M>): void {
  if (!closesLoop(parent, child)) setParent(parent, child);
}

function containersOf<M extends Threadable>(mails: readonly M[]): Map<string, Container<M>> {
  const containers = new Map<string, Container<M>>();
  const containerOf = (id: string): Container<M> => {
    let container = containers.get(id);
    if (container === undefined) {
      container = { id, mails: [], parent: null, children: [], isAnswered: false };
      containers.set(id, container);
    }
    return container;
  };
  for (const mail of mails) containerOf(threadKey(mail)).mails.push(mail);
  for (const mail of mails) {
    const chain = mail.links.map(containerOf);
    chain.forEach((container, at) => {
      const next = chain[at + 1];
      if (next !== undefined) link(container, next);
    });
    const parent = chain.at(-1);
    if (parent !== undefined) place(parent, containerOf(threadKey(mail)));
  }
  return containers;
}

/** The order of containers: by their first mail; ghosts last. */
function firstDates<M extends Threadable>(containers: Iterable<Container<M>>): Map<Container<M>, number> {
  const dates = new Map<Container<M>, number>();
  for (const container of containers) {
    const date = container.mails.reduce(
      (first, mail) => Math.min(first, mail.date ?? Number.MAX_SAFE_INTEGER),
      Number.MAX_SAFE_INTEGER,
    );
    dates.set(container, date);
  }
  return dates;
}

/** The root above a container; each way up is gone once. */
function rootFinder<M>(): (container: Container<M>) => Container<M> {
  const roots = new Map<Container<M>, Container<M>>();
  return (container) => {
    const way: Container<M>[] = [];
    let at = container;
    for (let known = roots.get(at); at.parent !== null && known === undefined; known = roots.get(at)) {
      way.push(at);
      at = at.parent;
    }
    const root = roots.get(at) ?? at;
    for (const below of way) roots.set(below, root);
    return root;
  };
}

/**
 * Threads in the manner of JWZ: References and In-Reply-To joined, ghosts for parents that are not there, loops cut. Mails of
 * equal id and content count once. Threads are in the order of their first mails; the order of the input never matters.
 */
export function threadsOf<M extends Threadable>(input: readonly M[]): readonly Thread<M>[] {
  const once = new Map(input.map((mail) => [`${threadKey(mail)}\0${mail.content}`, mail]));
  const mails = [...once.values()].sort(compareMails);
  const containers = containersOf(mails);
  const dates = firstDates(containers.values());
  const order = (a: Container<M>, b: Container<M>): number =>
    (dates.get(a) ?? 0) - (dates.get(b) ?? 0) || compareText(a.id, b.id);
  const sorted = [...containers.values()].sort(order);
  for (const container of sorted) container.parent?.children.push(container);
  const groups = groupLinked(mails.map((mail) => ({ key: threadKey(mail), links: mail.links })));
  const rootOf = rootFinder<M>();
  const threads: { roots: Set<Container<M>>; mails: M[] }[] = [];
  mails.forEach((mail, at) => {
    const group = groups[at] ?? 0;
    const thread = threads[group] ?? { roots: new Set(), mails: [] };
    threads[group] = thread;
    thread.mails.push(mail);
    thread.roots.add(rootOf(containers.get(threadKey(mail)) as Container<M>));
  });
  return threads.map(({ roots, mails: own }) => ({ roots: [...roots].sort(order), mails: own }));
}
