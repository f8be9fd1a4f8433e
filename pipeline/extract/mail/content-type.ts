import { unfold } from './head.ts';

export type ContentType = { readonly type: string; readonly params: ReadonlyMap<string, string> };

const PARAM = /;\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))/g;

/** RFC 2231: `name*0`, `name*1*` are joined in order; percent escapes stay, for only names and boundaries are read. */
function addParam(params: Map<string, string>, name: string, value: string): void {
  const [base = '', part] = name.toLowerCase().split('*');
  if (part === undefined || part === '' || part === '0') {
    if (!params.has(base)) params.set(base, value);
  } else {
    params.set(base, `${params.get(base) ?? ''}${value}`);
  }
}

/** Reads `type/subtype; name=value` and `disposition; name=value`; an empty or absent value is an empty type. */
export function readContentType(raw: string | undefined): ContentType {
  const params = new Map<string, string>();
  if (raw === undefined) return { type: '', params };
  const value = unfold(raw);
  const semicolon = value.indexOf(';');
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  if (semicolon < 0) return { type, params };
  for (const [, name = '', quoted, plain] of value.slice(semicolon).matchAll(PARAM)) {
    addParam(params, name, quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'));
  }
  return { type, params };
}
