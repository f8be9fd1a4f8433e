/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { startPage } from './start.ts';

startPage();
