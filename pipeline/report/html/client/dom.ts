import { plain } from '../../../model/text.ts';

type Child = Node | string;
type Attributes = { readonly [name: string]: string | number | boolean };

/** An element. A text is a text node with all that hides or turns neutralised: nothing that is shown can become markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false) element.setAttribute(key, plain(String(value)));
  }
  element.append(...children.map((child) => (typeof child === 'string' ? plain(child) : child)));
  return element;
}

/** An element that the markup has; its absence is a bug. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

export const span = (className: string, text: string): HTMLSpanElement => el('span', { class: className }, text);

/** A link whose sign stands for words: they are read out and shown on pointing, the sign alone is seen. */
export const signLink = (href: string, words: string, ...sign: readonly Child[]): HTMLAnchorElement =>
  el('a', { href, title: words }, span('hidden', words), el('span', { 'aria-hidden': 'true' }, ...sign));

/** A text with lines, as a program would print it. */
export function preformatted(text: string): HTMLPreElement {
  const element = el('pre', {});
  element.textContent = text.split('\n').map(plain).join('\n');
  return element;
}

/** A link, only to where the web is reached by https; else the text. */
export const link = (url: string, text: string): HTMLElement =>
  url.startsWith('https://') ? el('a', { href: url, rel: 'noreferrer' }, text) : el('span', {}, text);

/** A table with column heads, every first cell heading its row. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  className = 'plain',
): HTMLElement {
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)));
  const body = rows.map(([first = '', ...rest]) =>
    el('tr', {}, el('th', { scope: 'row' }, first), ...rest.map((cell) => el('td', {}, cell))),
  );
  return el('table', { class: className }, el('caption', {}, caption), el('thead', {}, head), el('tbody', {}, ...body));
}

/** A box that scrolls by itself where its content is wider than the page; it can be reached and named by keyboard. */
export const scrolling = (label: string, ...children: readonly Child[]): HTMLElement =>
  el('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, ...children);

/** What is folded away is made when it is opened for the first time. */
export function folded(title: string, count: string, make: () => readonly Child[], isOpen = false): HTMLElement {
  const details = el(
    'details',
    { open: isOpen },
    el('summary', {}, el('span', { class: 'fold' }, title), ...(count === '' ? [] : [span('count', count)])),
  );
  const fill = (): void => {
    if (details.open && details.childElementCount === 1)
      details.append(...make().map((child) => (typeof child === 'string' ? plain(child) : child)));
  };
  details.addEventListener('toggle', fill);
  fill();
  return details;
}

type Option = { readonly value: string; readonly text: string; readonly isOff?: boolean };
type Choice = {
  readonly label: string;
  readonly options: readonly Option[];
  readonly value: string;
  /** Gets the value that was chosen. */
  readonly onChange: (value: string) => void;
};

/** A field to choose from. */
export function choice(id: string, { label, options, value, onChange }: Choice): HTMLElement {
  const select = el(
    'select',
    { id },
    ...options.map((option) =>
      el(
        'option',
        { value: option.value, disabled: option.isOff === true, selected: option.value === value },
        option.text,
      ),
    ),
  );
  select.addEventListener('change', () => onChange(select.value));
  return el('label', { class: 'field' }, el('span', {}, label), select);
}
