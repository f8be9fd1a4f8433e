type Child = Node | string;
type Attributes = { readonly [name: string]: string | number | boolean };

/** Elements from names, attributes and texts. A text is always a text node: nothing that is shown can become markup. */
export function createDom() {
  const fill = <E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, '');
      else if (value !== false) element.setAttribute(name, String(value));
    }
    element.append(...children);
    return element;
  };
  const el = <K extends keyof HTMLElementTagNameMap>(
    name: K,
    attributes: Attributes = {},
    ...children: readonly Child[]
  ): HTMLElementTagNameMap[K] => fill(document.createElement(name), attributes, children);
  const svg = (name: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement =>
    fill(document.createElementNS('http://www.w3.org/2000/svg', name) as SVGElement, attributes, children);

  /** An element that the markup has; its absence is a bug. */
  const byId = <T extends HTMLElement = HTMLElement>(id: string): T => {
    const element = document.getElementById(id);
    if (element === null) throw new Error(`the page has no #${id}`);
    return element as T;
  };
  /** A table with column heads, every first cell heading its row. */
  const table = (caption: string, heads: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement => {
    const body = rows.map((cells) =>
      el(
        'tr',
        {},
        ...cells.map((cell, index) => (index === 0 ? el('th', { scope: 'row' }, cell) : el('td', {}, cell))),
      ),
    );
    return el(
      'table',
      { class: 'plain' },
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
      el('tbody', {}, ...body),
    );
  };
  const span = (className: string, text: string): HTMLElement => el('span', { class: className }, text);
  /** An address outside of the page; only https is one. */
  const link = (url: string, text: string): HTMLElement =>
    url.startsWith('https://') ? el('a', { href: url, rel: 'noreferrer noopener' }, text) : span('source', text);

  return { el, svg, byId, table, span, link };
}
