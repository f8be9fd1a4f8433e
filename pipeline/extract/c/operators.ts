/** How tightly each binary operator of C binds; a unary operator and a cast bind tighter, a primary expression tightest. */
const BINARY: ReadonlyMap<string, number> = new Map(
  [
    ['||'],
    ['&&'],
    ['|'],
    ['^'],
    ['&'],
    ['==', '!='],
    ['<', '>', '<=', '>='],
    ['<<', '>>'],
    ['+', '-'],
    ['*', '/', '%'],
  ].flatMap((level, index) => level.map((op) => [op, index + 1] as const)),
);
export const POWER = { list: 0, choice: 0.5, weakest: 1, unary: 11, primary: 12 } as const;
export const binaryPower = (op: string): number | undefined => BINARY.get(op);

export const ASSIGN: ReadonlySet<string> = new Set('= += -= *= /= %= &= |= ^= <<= >>='.split(' '));
export const PREFIX: ReadonlySet<string> = new Set('! ~ - + * & ++ --'.split(' '));
