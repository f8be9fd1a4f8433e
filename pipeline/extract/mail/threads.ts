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

type Container<M> = { id: string; mails: M[]; parent: Container<M> | null; children: Container<M>[] };

/** A mail without an id answers and is answered by nobody; its content stands in for the id. */
export const threadKey = (mail: Pick<Mail, 'id' | 'content'>): string =>
  mail.id === '' ? `\0${mail.content}` : mail.id;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compareMails(a: Threadable, b: Threadable): number {
  const dates = (a.date ?? Number.MAX_SAFE_INTEGER) - (b.date ?? Number.MAX_SAFE_INTEGER);
  return dates || compareText(threadKey(a), threadKey(b)) || compareText(a.content, b.content);
}

/** Whether making `parent` the parent of `child` would close a loop. */
function closesLoop<M>(parent: Container<M>, child: Container<M>): boolean {
  for (let at: Container<M> | null = parent; at !== null; at = at.parent) if (at === child) return true;
  return false;
}

function link<M>(parent: Container<M>, child: Container<M>): void {
  if (child.parent === null && !closesLoop(parent, child)) child.parent = parent;
}

/** Puts a mail under its last link, whatever a guess from another mail's references said before. */
function place<M>(parent: Container<M>, child: Container<M>): void {
  if (closesLoop(parent, child)) return;
  child.parent = parent;
}

function containersOf<M extends Threadable>(mails: readonly M[]): Map<string, Container<M>> {
  const containers = new Map<string, Container<M>>();
  const containerOf = (id: string): Container<M> => {
    let container = containers.get(id);
    if (container === undefined) {
      container = { id, mails: [], parent: null, children: [] };
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

/** The order of containers: by their first mail, or the first mail below a ghost. */
function firstDates<M extends Threadable>(containers: Iterable<Container<M>>): Map<Container<M>, number> {
  const dates = new Map<Container<M>, number>();
  for (const container of containers) {
    const own = container.mails.map((mail) => mail.date ?? Number.MAX_SAFE_INTEGER);
    const date = Math.min(...own, Number.MAX_SAFE_INTEGER);
    for (let at: Container<M> | null = container; at !== null; at = at.mails.length === 0 ? at.parent : null) {
      dates.set(at, Math.min(dates.get(at) ?? Number.MAX_SAFE_INTEGER, date));
    }
  }
  return dates;
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
  const threads: { roots: Container<M>[]; mails: M[] }[] = [];
  mails.forEach((mail, at) => {
    const group = groups[at] ?? 0;
    const thread = threads[group] ?? { roots: [], mails: [] };
    threads[group] = thread;
    thread.mails.push(mail);
    let root = containers.get(threadKey(mail)) as Container<M>;
    while (root.parent !== null) root = root.parent;
    if (!thread.roots.includes(root)) thread.roots.push(root);
  });
  return threads.map(({ roots, mails: own }) => ({ roots: roots.sort(order), mails: own }));
}
